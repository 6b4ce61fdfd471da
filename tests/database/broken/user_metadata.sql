-- fault: A policy reads user_metadata, which people set themselves
-- named by: prove, user_metadata_in_policy
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

-- broken
create policy "read" on public.notes for select to authenticated
using ((select auth.uid()) = user_id or (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');

-- right
create policy "read" on public.notes for select to authenticated
using ((select auth.uid()) = user_id or (select auth.jwt() -> 'app_metadata' ->> 'role') = 'admin');

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: metadata bob
select from public.notes where user_id = :alice;
