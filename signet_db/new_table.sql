-- $title: each row belongs to one person.

create table public.$table (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    title text not null check (char_length(title) between 1 and 200),
    created_at timestamptz not null default now()
);

comment on table public.$table is 'What a person keeps here; theirs alone';

comment on column public.$table.user_id is 'Whose row this is';

-- Every policy reads user_id: without this index each statement would read the whole table.
create index ${table}_user_id_idx on public.$table (user_id);

alter table public.$table enable row level security;

alter table public.$table force row level security;

-- Hosted projects differ in what they grant by default. These lines make them the same: the four operations
-- that policies guard, and no TRUNCATE, which they would not. Nobody who is not signed in gets anything.
revoke all on public.$table from public, anon, authenticated, service_role;

grant select, insert, update, delete on public.$table to authenticated, service_role;

-- auth.uid() stands in a sub-select so that it is computed once for the statement, not once for each row.
create policy "People read their own $words"
on public.$table for select to authenticated
using ((select auth.uid()) = user_id);

create policy "People create their own $words"
on public.$table for insert to authenticated
with check ((select auth.uid()) = user_id);

create policy "People update their own $words"
on public.$table for update to authenticated
using ((select auth.uid()) = user_id)
with check ((select auth.uid()) = user_id);

create policy "People delete their own $words"
on public.$table for delete to authenticated
using ((select auth.uid()) = user_id);

-- Restrictive: must hold in addition to the others, so that a sign-out closes the data at once.
create policy "Only while the session lives"
on public.$table as restrictive for all to authenticated
using ((select private.session_is_live()))
with check ((select private.session_is_live()));
