-- fault: A view with its owner's rights can be written
-- named by: prove, view_without_invoker
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
create view public.titles as select title from public.notes;
revoke all on public.titles from anon, authenticated;
grant update on public.titles to authenticated;

-- right
create view public.titles with (security_invoker = true) as select title from public.notes;
revoke all on public.titles from anon, authenticated;
grant update on public.titles to authenticated;

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: blind bob
update public.titles set title = 'his'
