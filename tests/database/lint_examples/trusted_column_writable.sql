-- bad: public.people.is_boss
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create table public.people (id uuid primary key, is_boss boolean not null default false);
alter table public.people enable row level security;
create policy "own" on public.people for update to authenticated using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
grant select, update on public.people to authenticated;
create policy "p" on public.t for select to authenticated using ((select is_boss from public.people where id = (select auth.uid())));
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create table public.people (id uuid primary key, is_boss boolean not null default false, name text);
alter table public.people enable row level security;
create policy "own" on public.people for update to authenticated using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
revoke all on public.people from authenticated;
grant select, update (name) on public.people to authenticated;
create policy "p" on public.t for select to authenticated using ((select is_boss from public.people where id = (select auth.uid())));
