-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (user_id::text = (select auth.uid())::text);
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (user_id = (select auth.uid()));
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (code::varchar = 'x');
