-- Hosted projects let postgres write policies on the tables of the services and drop triggers there, which
-- PostgreSQL keeps for a table's owner (supautils: policy_grants, drop_trigger_grants). An event trigger grants
-- postgres membership in the owners when such a statement begins, and another one revokes it when the statement
-- ends and checks which table it was for. The design, and those that are unsafe: docs/decisions/0141.

create table signet_hosted.managed_tables (relation regclass primary key);
revoke all on signet_hosted.managed_tables from public;
insert into signet_hosted.managed_tables values
    ('auth.audit_log_entries'), ('auth.flow_state'), ('auth.identities'), ('auth.instances'),
    ('auth.mfa_amr_claims'), ('auth.mfa_challenges'), ('auth.mfa_factors'), ('auth.oauth_clients'),
    ('auth.one_time_tokens'), ('auth.refresh_tokens'), ('auth.saml_providers'), ('auth.saml_relay_states'),
    ('auth.sessions'), ('auth.sso_domains'), ('auth.sso_providers'), ('auth.users'),
    ('realtime.messages'), ('realtime.subscription'),
    ('storage.buckets'), ('storage.objects'), ('storage.s3_multipart_uploads'),
    ('storage.s3_multipart_uploads_parts');
alter table realtime.subscription owner to supabase_realtime_admin;

-- Most statements are about the user's own tables. The text of a statement inside a function is not in
-- current_query(), so there membership is always granted. The caller's search_path is read before it is emptied.
create function signet_hosted.grant_ownership() returns event_trigger
language plpgsql security definer as $$
declare
    path text := pg_catalog.current_setting('search_path');
    statement text := pg_catalog.current_query();
    context text;
    is_nested boolean;
begin
    get diagnostics context = pg_context;
    perform pg_catalog.set_config('search_path', '', true);
    is_nested := context like E'%\n%';
    if session_user = 'postgres'
        and (is_nested or statement || path ~* 'auth|storage|realtime')
        and (is_nested or tg_tag <> 'COMMENT' or statement ~* 'comment\s+on\s+policy')
    then
        grant supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin to postgres
            with inherit true, set false granted by supabase_admin;
    end if;
    perform pg_catalog.set_config('search_path', path, true);
end
$$;

create function signet_hosted.revoke_ownership() returns void
language plpgsql security definer set search_path = '' as $$
begin
    if exists (
        select from pg_catalog.pg_auth_members
        where member = 'postgres'::regrole and roleid = 'supabase_storage_admin'::regrole)
    then
        revoke supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin from postgres
            granted by supabase_admin;
    end if;
end
$$;
revoke execute on function signet_hosted.revoke_ownership() from public;

create function signet_hosted.is_refused(relation oid) returns boolean
language sql stable set search_path = '' as $$
    select not exists (select from signet_hosted.managed_tables m where m.relation = $1)
        and (
            select relowner in (
                'supabase_auth_admin'::regrole, 'supabase_storage_admin'::regrole,
                'supabase_realtime_admin'::regrole)
            from pg_catalog.pg_class where oid = $1)
$$;

create function signet_hosted.check_commands() returns event_trigger
language plpgsql security definer set search_path = '' as $$
declare
    command record;
begin
    if session_user <> 'postgres' then
        return;
    end if;
    perform signet_hosted.revoke_ownership();
    for command in select * from pg_catalog.pg_event_trigger_ddl_commands() loop
        if command.classid = 'pg_catalog.pg_policy'::regclass then
            if signet_hosted.is_refused((select polrelid from pg_catalog.pg_policy where oid = command.objid)) then
                raise exception 'must be owner of table %', regexp_replace(command.object_identity, '.* on ', '')
                    using errcode = '42501';
            end if;
        elsif command.command_tag = 'COMMENT'
            and command.object_identity ~ '(^| on )(auth|storage|realtime|signet_stack)\.'
            and not coalesce(
                pg_catalog.pg_has_role('postgres', (
                    select relowner from pg_catalog.pg_class
                    where oid = command.objid and command.classid = 'pg_catalog.pg_class'::regclass), 'usage'),
                false)
        then
            raise exception 'must be owner of % %', command.object_type, command.object_identity
                using errcode = '42501';
        end if;
    end loop;
end
$$;

create function signet_hosted.check_drops() returns event_trigger
language plpgsql security definer set search_path = '' as $$
declare
    dropped record;
begin
    if session_user <> 'postgres' then
        return;
    end if;
    perform signet_hosted.revoke_ownership();
    for dropped in
        select address_names from pg_catalog.pg_event_trigger_dropped_objects()
        where original and object_type in ('trigger', 'policy')
    loop
        if signet_hosted.is_refused(
            pg_catalog.to_regclass(pg_catalog.format('%I.%I', dropped.address_names[1], dropped.address_names[2])))
        then
            raise exception 'must be owner of relation %', dropped.address_names[2] using errcode = '42501';
        end if;
    end loop;
end
$$;

-- Event triggers run in the order of their names: no other one may run while membership is granted.
create event trigger zz_grant_ownership on ddl_command_start
    when tag in ('DROP TRIGGER', 'CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'COMMENT')
    execute function signet_hosted.grant_ownership();
create event trigger "00_check_drops" on sql_drop
    when tag in ('DROP TRIGGER', 'DROP POLICY') execute function signet_hosted.check_drops();
create event trigger "00_check_commands" on ddl_command_end
    when tag in ('DROP TRIGGER', 'CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'COMMENT')
    execute function signet_hosted.check_commands();
