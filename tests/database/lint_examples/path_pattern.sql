-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (path like '%' || auth.uid() || '%');
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (position((select auth.uid())::text in path) > 0);
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (split_part(path, '/', 1) = (select auth.uid())::text);
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (path like (select auth.uid())::text || '/%');
