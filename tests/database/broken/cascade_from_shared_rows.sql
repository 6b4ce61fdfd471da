-- fault: Everybody deletes shared rows, and with them what others refer to them with
-- named by: prove
-- both
create table public.topics (id uuid primary key default gen_random_uuid(), name text not null);
alter table public.topics enable row level security;
alter table public.topics force row level security;
revoke all on public.topics from public, anon, authenticated, service_role;
grant select on public.topics to authenticated;
-- signet: everybody signed in reads public.topics
create policy "read" on public.topics for select to authenticated using (true);

create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    topic_id uuid references public.topics on delete cascade,
    title text not null
);
create index on public.notes (user_id);
alter table public.notes enable row level security;
alter table public.notes force row level security;
revoke all on public.notes from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.notes to authenticated;
create index on public.notes (topic_id);
create policy "read own" on public.notes for select to authenticated using ((select auth.uid()) = user_id);
create policy "insert own" on public.notes for insert to authenticated with check ((select auth.uid()) = user_id);
create policy "update own" on public.notes for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy "delete own" on public.notes for delete to authenticated using ((select auth.uid()) = user_id);

-- broken
grant delete on public.topics to authenticated;
create policy "delete" on public.topics for delete to authenticated using (true);

-- right

-- seed
insert into public.topics (id, name) values ('00000000-0000-4000-8000-000000000001', 't');
insert into public.notes (user_id, topic_id, title) values (:alice, '00000000-0000-4000-8000-000000000001', 'hers');

-- witness: changes bob
delete from public.topics
