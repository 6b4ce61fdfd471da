-- fault: The live-session policy is permissive, so it closes nothing
-- named by: prove
-- both
create schema private;
revoke all on schema private from public;
grant usage on schema private to authenticated;
create function private.is_live() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (select from auth.sessions where id = (auth.jwt() ->> 'session_id')::uuid);
end $$;
revoke all on function private.is_live() from public;
grant execute on function private.is_live() to authenticated;

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
create policy "live" on public.notes for select to authenticated
using ((select private.is_live()) and (select auth.uid()) = user_id);

-- right
create policy "live" on public.notes as restrictive for all to authenticated
using ((select private.is_live())) with check ((select private.is_live()));

-- seed
insert into public.notes (user_id, title) values (:alice, 'hers');

-- witness: ended alice
select from public.notes where user_id = :alice;
