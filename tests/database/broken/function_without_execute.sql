-- fault: A policy calls a function that the role may not execute
-- named by: prove
-- both
create schema private;
revoke all on schema private from public;
grant usage on schema private to authenticated;

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
create function private.may(owner uuid) returns boolean language sql stable set search_path = ''
as $$ select owner = auth.uid() $$;
revoke all on function private.may(uuid) from public;

-- broken
create policy "read" on public.notes for select to authenticated
using (private.may(user_id));

-- right
grant execute on function private.may(uuid) to authenticated;
create policy "read" on public.notes for select to authenticated
using ((select auth.uid()) = user_id);

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: fails bob
select from public.notes where user_id = :alice;
