-- Profiles: one for each person, theirs to change, shown to others when they say so.

create table public.profiles (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null unique default auth.uid() references auth.users on delete cascade,
    display_name text check (char_length(display_name) between 1 and 80),
    avatar_url text check (char_length(avatar_url) <= 2048 and avatar_url ~* '^https://[^\s/]'),
    is_public boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on table public.profiles is 'What a person tells about themselves';

comment on column public.profiles.user_id is 'Whose profile this is; never changes';

comment on column public.profiles.is_public is 'Whether other people who are signed in may see it';

-- The key on user_id serves the policies for one's own row; this one serves the page of public profiles, in its order.
create index profiles_public_idx on public.profiles (display_name, id) where is_public;

-- The database, not the client, says when a row was made and changed, and that its owner stays.
create function private.stamp_profile() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        new.created_at := clock_timestamp();
    elsif new.user_id is distinct from old.user_id then
        raise exception 'A profile cannot change its owner.' using errcode = 'insufficient_privilege';
    else
        new.created_at := old.created_at;
    end if;
    new.updated_at := clock_timestamp();
    return new;
end
$$;

revoke all on function private.stamp_profile() from public, anon, authenticated, service_role;

create trigger stamp_profile
before insert or update on public.profiles
for each row execute function private.stamp_profile();

alter table public.profiles enable row level security;

alter table public.profiles force row level security;

-- Old hosted projects grant everything by default, new ones nothing. These lines make them the same: the four
-- operations that policies guard, and no TRUNCATE, which they would not.
revoke all on public.profiles from public, anon, authenticated, service_role;

grant select, insert, update, delete on public.profiles to authenticated, service_role;

-- auth.uid() stands in a sub-select so that it is computed once for the statement, not once for each row.
create policy "People read their own profile and public ones"
on public.profiles for select to authenticated
using ((select auth.uid()) = user_id or is_public);

create policy "People create their own profile"
on public.profiles for insert to authenticated
with check ((select auth.uid()) = user_id);

create policy "People update their own profile"
on public.profiles for update to authenticated
using ((select auth.uid()) = user_id)
with check ((select auth.uid()) = user_id);

create policy "People delete their own profile"
on public.profiles for delete to authenticated
using ((select auth.uid()) = user_id);

-- Restrictive: must hold in addition to the others. See private.session_is_live().
create policy "Only while the session lives"
on public.profiles as restrictive for all to authenticated
using ((select private.session_is_live()))
with check ((select private.session_is_live()));
