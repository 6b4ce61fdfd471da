-- Hosted projects let postgres create event triggers (supautils runs the statement as superuser). PostgreSQL keeps
-- that for superusers and fires no event trigger for it, so "flask db upgrade" calls these functions where a file
-- has such a statement. The arguments are names and values, never SQL text.

-- A user's function runs with the rights of the role whose statement fires it. Hence not for the superuser, and not
-- for Auth, whose sessions may read the private signing keys. Hosted projects skip their reserved roles too.
alter role supabase_admin set event_triggers = off;
alter role supabase_auth_admin set event_triggers = off;

create function signet_hosted.check_event_trigger(name text, function regproc) returns void
language plpgsql stable set search_path = '' as $$
begin
    if not pg_catalog.pg_has_role(
        session_user, (select proowner from pg_catalog.pg_proc where oid = function::oid), 'usage')
    then
        raise exception 'permission denied for event trigger "%"', name using errcode = '42501',
            hint = 'The function must belong to the role that creates the trigger.';
    end if;
end
$$;

-- A name outside of these bounds would run while ownership is lent, see 024_managed_tables.sql.
create function signet_hosted.create_event_trigger(name text, event text, tags text[], function regproc)
returns void language plpgsql security definer set search_path = '' as $$
begin
    perform signet_hosted.check_event_trigger(name, function);
    if name >= 'zz_grant' or name <= '00_check_z' then
        raise exception 'event trigger names from "zz_grant" on and up to "00_check_z" are reserved'
            using errcode = '42939';
    end if;
    execute pg_catalog.format(
        'create event trigger %I on %I %s execute function %s()', name, event,
        case when tags is not null then pg_catalog.format('when tag in (%s)', (
            select pg_catalog.string_agg(pg_catalog.quote_literal(tag), ', ') from pg_catalog.unnest(tags) as tag))
        end,
        function::regproc);
end
$$;

create function signet_hosted.drop_event_trigger(name text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    function regproc := (select evtfoid from pg_catalog.pg_event_trigger where evtname = name);
begin
    if function is null then
        raise exception 'event trigger "%" does not exist', name using errcode = '42704';
    end if;
    perform signet_hosted.check_event_trigger(name, function);
    execute pg_catalog.format('drop event trigger %I', name);
end
$$;

create function signet_hosted.alter_event_trigger(name text, state text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform signet_hosted.check_event_trigger(
        name, (select evtfoid from pg_catalog.pg_event_trigger where evtname = name));
    if lower(state) not in ('enable', 'disable', 'enable always', 'enable replica') then
        raise exception 'unknown state %', state using errcode = '42601';
    end if;
    execute pg_catalog.format('alter event trigger %I %s', name, state);
end
$$;

revoke execute on all functions in schema signet_hosted from public;
grant execute on function
    signet_hosted.not_available, signet_hosted.random_bytes, signet_hosted.sha1, signet_hosted.bcrypt,
    signet_hosted.bcrypt_encode, signet_hosted.bcrypt_decode, signet_hosted.blowfish_state
to public;
grant execute on function
    signet_hosted.create_event_trigger, signet_hosted.drop_event_trigger, signet_hosted.alter_event_trigger,
    signet_hosted.check_event_trigger
to postgres;
