-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
grant select on public.t to authenticated;
create policy "p" on public.t for select to authenticated using (org_id in (select x.org_id from public.t x));
-- bad: public.t "p"
create schema private2;
grant usage on schema private2 to authenticated;
create function private2.f(o uuid) returns boolean language sql stable set search_path = '' as $$ select true $$;
revoke all on function private2.f(uuid) from public;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
grant select on public.t to authenticated;
create policy "p" on public.t for select to authenticated using (private2.f(user_id));
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
grant select on public.t to authenticated;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id);
