-- fault: A rule changes rows of everybody with its owner's rights
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
create table public.taps (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users on delete cascade, note text);
create index on public.taps (user_id);
alter table public.taps enable row level security;
alter table public.taps force row level security;
revoke all on public.taps from public, anon, authenticated, service_role;
grant select, update on public.taps to authenticated;
create policy "read own" on public.taps for select to authenticated using ((select auth.uid()) = user_id);
create policy "update own" on public.taps for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

-- broken
create rule tap as on update to public.taps do also update public.notes set title = 'tapped';

-- right
create rule tap as on update to public.taps do also update public.notes set title = 'tapped' where user_id = old.user_id;

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');
insert into public.taps (user_id) values (:bob);

-- witness: changes bob
update public.taps set note = 'x'
