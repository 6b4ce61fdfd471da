-- bad: public.t "p"
create table public.m (org_id uuid, user_id uuid, primary key (org_id, user_id));
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (exists (select from public.m where m.user_id = (select auth.uid())));
-- good
create table public.m (org_id uuid, user_id uuid, primary key (org_id, user_id));
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (exists (select from public.m where m.org_id = t.org_id and m.user_id = (select auth.uid())));
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create table public.admins (user_id uuid primary key);
create policy "p" on public.t for select to authenticated using (exists (select from public.admins where user_id = (select auth.uid())));
