-- Session limits of the project, for the policies that ask whether a session still lives.
--
-- Auth enforces time-box, inactivity and "one session per user" when a session is refreshed. Until then the access
-- token stays valid, and nothing in the database says that the session is over. With the same limits in this table
-- the data closes at that moment, on a hosted project too.

create table private.session_limits (
    is_only boolean primary key default true check (is_only),
    timebox interval check (timebox > interval '0'),
    inactivity_timeout interval check (inactivity_timeout > interval '0'),
    single_per_user boolean not null default false
);

comment on table private.session_limits is
    'One row: the session limits of the project''s Auth settings. Keep both equal; null is no limit';

comment on column private.session_limits.inactivity_timeout is 'Longest time between two refreshes';

insert into private.session_limits default values;

alter table private.session_limits enable row level security;

alter table private.session_limits force row level security;

revoke all on private.session_limits from public, anon, authenticated, service_role;

-- The conditions under which Auth would refresh a session. refreshed_at has no time zone and is in UTC. A login
-- replaces sessions with its own tag only: other tags are other apps of the same project.
-- A function and not a view: Auth's own migrations cannot change a column that a view uses. Without a search_path of
-- its own it is inlined, and costs the callers nothing.
-- signet: allow search_path_mutable on private.live_sessions(): every name in it is qualified
create function private.live_sessions() returns setof auth.sessions
language sql
stable
as $$
    select sessions.*
    from auth.sessions
    join auth.users on users.id = sessions.user_id
    cross join private.session_limits as limits
    where (users.banned_until is null or users.banned_until <= now())
        and users.deleted_at is null
        and (sessions.not_after is null or sessions.not_after > now())
        and (limits.timebox is null or sessions.created_at + limits.timebox > now())
        and (
            limits.inactivity_timeout is null
            or coalesce(sessions.refreshed_at at time zone 'UTC', sessions.created_at) + limits.inactivity_timeout > now()
        )
        and not (
            limits.single_per_user
            and exists (
                select
                from auth.sessions as newer
                where newer.user_id = sessions.user_id
                    and newer.created_at > sessions.created_at
                    and newer.tag is not distinct from sessions.tag
            )
        )
$$;

comment on function private.live_sessions() is 'Sessions that neither ended nor passed a limit, of users who may sign in';

revoke all on function private.live_sessions() from public, anon, authenticated, service_role;

create or replace function private.session_is_live() returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    -- The row of auth.sessions that the token names, unless it ended or passed a limit.
    return exists (
        select
        from private.live_sessions() as live
        where live.id = (auth.jwt() ->> 'session_id')::uuid and live.user_id = auth.uid()
    );
end
$$;

create or replace function public.list_my_sessions()
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
        live.id,
        live.created_at,
        live.refreshed_at at time zone 'UTC',
        live.user_agent,
        live.ip,
        live.id = (auth.jwt() ->> 'session_id')::uuid
    from private.live_sessions() as live
    where live.user_id = auth.uid() and (select private.session_is_live())
    order by coalesce(live.refreshed_at at time zone 'UTC', live.created_at) desc
$$;
