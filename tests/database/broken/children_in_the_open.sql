-- fault: Rows that refer to private rows are open
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
create table public.lines (id uuid primary key default gen_random_uuid(), note_id uuid not null references public.notes on delete cascade, body text not null);
create index on public.lines (note_id);
alter table public.lines enable row level security;
alter table public.lines force row level security;
revoke all on public.lines from public, anon, authenticated, service_role;
grant select on public.lines to authenticated;

-- broken
create policy "read" on public.lines for select to authenticated using (note_id is not null);

-- right
create policy "read" on public.lines for select to authenticated
using (note_id in (select n.id from public.notes n where n.user_id = (select auth.uid())));

-- seed
insert into public.notes (id, user_id, title) values ('00000000-0000-4000-8000-000000000001', :alice, 'hers');
insert into public.lines (note_id, body) values ('00000000-0000-4000-8000-000000000001', 'hers');

-- witness: bob
select from public.lines where body = 'hers';
