-- What a person may do with their own sessions and account, without the app holding a key that could do it to others.
--
-- Each function is security definer, because the tables belong to Auth, and is keyed on the request's claims alone:
-- no argument can name another person. None works once the session has ended.

-- signet: allow definer_function_exposed on public.list_my_sessions(): shows rows of the caller only
create function public.list_my_sessions()
returns table (
    id uuid,
    created_at timestamptz,
    last_refreshed_at timestamptz,
    user_agent text,
    ip inet,
    is_current boolean
)
language sql
stable
security definer
set search_path = ''
as $$
    select
        sessions.id,
        sessions.created_at,
        -- Auth stores this one without a time zone, in UTC.
        sessions.refreshed_at at time zone 'UTC',
        sessions.user_agent,
        sessions.ip,
        sessions.id = (auth.jwt() ->> 'session_id')::uuid
    from auth.sessions
    where sessions.user_id = auth.uid()
        and (sessions.not_after is null or sessions.not_after > now())
        and (select private.session_is_live())
    order by coalesce(sessions.refreshed_at at time zone 'UTC', sessions.created_at) desc
$$;

comment on function public.list_my_sessions() is 'The caller''s sessions, the most recently used first';

-- Returns whether there was such a session of the caller. Its refresh tokens go with it.
-- signet: allow definer_function_exposed on public.end_my_session(uuid): deletes sessions of the caller only
create function public.end_my_session(session_id uuid) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not private.session_is_live() then
        raise exception 'This session has ended.' using errcode = 'insufficient_privilege';
    end if;
    delete from auth.sessions
    where sessions.id = end_my_session.session_id and sessions.user_id = auth.uid();
    return found;
end
$$;

comment on function public.end_my_session(uuid) is 'End one of the caller''s sessions: sign that device out';

-- Everything that refers to the user goes too: sessions, refresh tokens, and rows with "on delete cascade".
-- signet: allow definer_function_exposed on public.delete_my_account(): deletes the caller only
create function public.delete_my_account() returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not private.session_is_live() then
        raise exception 'This session has ended.' using errcode = 'insufficient_privilege';
    end if;
    delete from auth.flow_state where flow_state.user_id = auth.uid();
    delete from auth.users where users.id = auth.uid();
end
$$;

comment on function public.delete_my_account() is 'Delete the caller''s account with everything that hangs on it';

revoke all on function public.list_my_sessions() from public, anon, authenticated, service_role;

revoke all on function public.end_my_session(uuid) from public, anon, authenticated, service_role;

revoke all on function public.delete_my_account() from public, anon, authenticated, service_role;

grant execute on function public.list_my_sessions() to authenticated;

grant execute on function public.end_my_session(uuid) to authenticated;

grant execute on function public.delete_my_account() to authenticated;
