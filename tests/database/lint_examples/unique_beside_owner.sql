-- bad: public.t.path
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (true);
create policy "i" on public.t for insert to authenticated with check ((select auth.uid()) = user_id);
create unique index on public.t (path);
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (true);
create policy "i" on public.t for insert to authenticated with check ((select auth.uid()) = user_id);
create unique index on public.t (user_id, path);
