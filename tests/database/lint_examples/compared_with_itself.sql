-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create table public.m (user_id uuid, org_id uuid);
alter table public.t add org_id uuid;
create policy "p" on public.t for select to authenticated using (exists (select from public.m where m.org_id = org_id and m.user_id = (select auth.uid())));
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (user_id = user_id);
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create table public.m (user_id uuid, org_id uuid);
alter table public.t add org_id uuid;
create policy "p" on public.t for select to authenticated using (exists (select from public.m where m.org_id = t.org_id and m.user_id = (select auth.uid())));
