-- fault: Everybody updates the rows that everybody may read
-- named by: prove
-- both
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    is_public boolean not null default false,
    title text not null
);
create index on public.notes (user_id);
alter table public.notes enable row level security;
alter table public.notes force row level security;
revoke all on public.notes from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.notes to authenticated;
create policy "read own and public" on public.notes for select to authenticated using ((select auth.uid()) = user_id or is_public);
create index on public.notes (id) where is_public;
create policy "insert own" on public.notes for insert to authenticated with check ((select auth.uid()) = user_id);
create policy "delete own" on public.notes for delete to authenticated using ((select auth.uid()) = user_id);

-- broken
create policy "update own and public" on public.notes for update to authenticated
using ((select auth.uid()) = user_id or is_public) with check ((select auth.uid()) = user_id or is_public);

-- right
create policy "update own" on public.notes for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

-- seed
insert into public.notes (user_id, title, is_public) values (:alice, 'hers', true);

-- witness: blind bob
update public.notes set title = 'his'
