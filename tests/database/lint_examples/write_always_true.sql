-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for delete to authenticated using (true);
-- bad: public.t "inserts"
create table public.t (user_id uuid);
create policy inserts on public.t for insert to authenticated with check (true);
-- bad: public.t "half"
create table public.t (user_id uuid);
create policy half on public.t for update to authenticated
using ((select auth.uid()) = user_id) with check (true);
-- good
create table public.t (user_id uuid);
create policy p on public.t for select to authenticated using (true);
create policy q on public.t to service_role using (true) with check (true);
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for delete to authenticated using ((select auth.uid()) is not null);
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for update to authenticated using (1 = 1 or (select auth.uid()) = user_id);
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for insert to authenticated with check ((select auth.role()) = 'authenticated');
-- good
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for delete to authenticated using ((select private.is_staff()));
