-- fault: A security definer function deletes the row that an argument names
-- named by: prove, definer_function_exposed
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
create function public.drop_note(note_id uuid) returns void language sql security definer set search_path = ''
as $$ delete from public.notes where id = note_id $$;
revoke all on function public.drop_note(uuid) from public, anon, authenticated;
grant execute on function public.drop_note(uuid) to authenticated;

-- right
create function public.drop_note(note_id uuid) returns void language sql set search_path = ''
as $$ delete from public.notes where id = note_id $$;
revoke all on function public.drop_note(uuid) from public, anon, authenticated;
grant execute on function public.drop_note(uuid) to authenticated;

-- seed
insert into public.notes (id, user_id, title) values ('00000000-0000-4000-8000-000000000001', :alice, 'hers');

-- witness: blind bob
select public.drop_note('00000000-0000-4000-8000-000000000001')
