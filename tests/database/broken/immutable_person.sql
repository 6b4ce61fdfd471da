-- fault: An immutable function of the person stays in a cached plan
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

-- broken
create function private.me() returns uuid language plpgsql immutable set search_path = ''
as $$ begin return auth.uid(); end $$;
revoke all on function private.me() from public;
grant execute on function private.me() to authenticated;
create policy "read" on public.notes for select to authenticated
using (private.me() = user_id);

-- right
create function private.me() returns uuid language plpgsql stable set search_path = ''
as $$ begin return auth.uid(); end $$;
revoke all on function private.me() from public;
grant execute on function private.me() to authenticated;
create policy "read" on public.notes for select to authenticated
using ((select private.me()) = user_id);

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: cached bob
select from public.notes where user_id = :alice;
