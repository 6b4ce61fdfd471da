-- Whether the session behind a request still lives.
--
-- An access token is valid until it expires, whatever happens meanwhile. Policies that ask this function close the
-- data at the moment of a sign-out, a password change or a ban, on every server and with no state in the app.

-- Never exposed by the data API: what is in here serves policies, triggers and other functions.
create schema private;

revoke all on schema private from public;

grant usage on schema private to authenticated;

-- Security definer, because nobody but its owner may read the tables of Auth. The session must be the one that the
-- token names, belong to the token's user, and not have ended; the user must be neither banned nor deleted.
-- In PL/pgSQL, which keeps its plan: before PostgreSQL 18 the same in SQL is planned anew by every statement.
create function private.session_is_live() returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return exists (
        select
        from auth.sessions
        join auth.users on users.id = sessions.user_id
        where sessions.id = (auth.jwt() ->> 'session_id')::uuid
            and sessions.user_id = auth.uid()
            and (sessions.not_after is null or sessions.not_after > now())
            and (users.banned_until is null or users.banned_until <= now())
            and users.deleted_at is null
    );
end
$$;

comment on function private.session_is_live() is
    'True while the session of the request''s access token lives. For restrictive policies: (select private.session_is_live())';

revoke all on function private.session_is_live() from public, anon, authenticated, service_role;

grant execute on function private.session_is_live() to authenticated;
