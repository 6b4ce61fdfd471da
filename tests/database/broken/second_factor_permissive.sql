-- fault: The policy that asks for a second factor is permissive
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
create policy "read own" on public.notes for select to authenticated using ((select auth.uid()) = user_id);
create policy "insert own" on public.notes for insert to authenticated with check ((select auth.uid()) = user_id);
create policy "update own" on public.notes for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy "delete own" on public.notes for delete to authenticated using ((select auth.uid()) = user_id);

-- broken
create policy "second factor" on public.notes for select to authenticated
using ((select auth.jwt() ->> 'aal') = 'aal2' and (select auth.uid()) = user_id);

-- right
create policy "second factor" on public.notes as restrictive for select to authenticated
using ((select auth.jwt() ->> 'aal') = 'aal2');

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: alice
select from public.notes where user_id = :alice;
