-- Tables that the playground has never seen: each with another way to decide.
create table public.lab_notes (id int primary key, user_id uuid default auth.uid(), body text not null default '', shared boolean not null default false);
alter table public.lab_notes enable row level security;
grant select, insert, update, delete on public.lab_notes to authenticated;
create policy "own" on public.lab_notes to authenticated using ((select auth.uid()) = user_id);
create policy "shared ones" on public.lab_notes for select to public using (shared);
create policy "not the locked one" on public.lab_notes as restrictive to authenticated using (body <> 'locked 100%');

create table public.lab_columns (id int primary key, user_id uuid, secret text, name text);
alter table public.lab_columns enable row level security;
grant select (id, user_id, name), update (name) on public.lab_columns to authenticated;
create policy "everybody signed in" on public.lab_columns to authenticated using (true) with check (name <> 'forbidden');

create table public.lab_loop (id int primary key, user_id uuid);
alter table public.lab_loop enable row level security;
grant select on public.lab_loop to authenticated;
create policy "asks itself" on public.lab_loop to authenticated
    using (exists (select from public.lab_loop other where other.id = lab_loop.id));

create table public.lab_parts (id int, user_id uuid, primary key (id)) partition by range (id);
create table public.lab_parts_1 partition of public.lab_parts for values from (0) to (100);
alter table public.lab_parts enable row level security;
grant select, insert, update, delete on public.lab_parts to authenticated;
create policy "own" on public.lab_parts to authenticated using ((select auth.uid()) = user_id);

create table public.lab_open (id int primary key, user_id uuid, body text);
grant select, insert, update, delete on public.lab_open to anon, authenticated;

create table public.lab_silent (id serial primary key, user_id uuid, body text);
alter table public.lab_silent enable row level security;
grant select, insert, update, delete on public.lab_silent to authenticated;

create view public.lab_view_owner as select * from public.lab_notes;
create view public.lab_view_invoker with (security_invoker = on) as select * from public.lab_notes;
grant select on public.lab_view_owner, public.lab_view_invoker to authenticated;
