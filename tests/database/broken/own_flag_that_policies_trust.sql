-- fault: People set the flag that another policy trusts
-- named by: prove
-- both
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    title text not null
);
create index on public.notes (user_id);
alter table public.notes enable row level security;
alter table public.notes force row level security;
revoke all on public.notes from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.notes to authenticated;
create policy "insert own" on public.notes for insert to authenticated with check ((select auth.uid()) = user_id);
create policy "update own" on public.notes for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy "delete own" on public.notes for delete to authenticated using ((select auth.uid()) = user_id);
create table public.profiles (
    id uuid primary key references auth.users on delete cascade,
    name text not null,
    can_moderate boolean not null default false
);
alter table public.profiles enable row level security;
alter table public.profiles force row level security;
revoke all on public.profiles from public, anon, authenticated, service_role;
create policy "read own" on public.profiles for select to authenticated using ((select auth.uid()) = id);
create policy "update own" on public.profiles for update to authenticated
using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
create policy "moderators read" on public.notes for select to authenticated
using ((select auth.uid()) = user_id or (select can_moderate from public.profiles where id = (select auth.uid())));

-- broken
grant select, update on public.profiles to authenticated;

-- right
grant select, update (name) on public.profiles to authenticated;

-- seed
insert into public.profiles (id, name) values (:bob, 'Bob') on conflict do nothing;

-- witness: blind bob
update public.profiles set can_moderate = true where id = :bob
