create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    body text not null check (length(body) between 1 and 10000)
);
create index on public.notes (user_id);

alter table public.notes enable row level security;
alter table public.notes force row level security;
revoke all on public.notes from anon, authenticated;
grant select, insert, delete on public.notes to authenticated;
grant update (body) on public.notes to authenticated;

create policy "People read and write their own notes" on public.notes
    to authenticated using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
