-- bad: public.t.user_id
create table public.t (id int primary key, user_id uuid);
create index on public.t (id, user_id);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- bad: public.t.org_id
create table public.t (org_id uuid);
create table public.m (org_id uuid, user_id uuid, primary key (user_id, org_id));
create policy p on public.t for select to authenticated
using (org_id in (select m.org_id from public.m where m.user_id = (select auth.uid())));
-- good
create table public.t (id int primary key, user_id uuid, is_public boolean, title text);
create index on public.t (user_id, title);
create index on public.t (id) where is_public;
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id or is_public);
create policy q on public.t for insert to authenticated with check (title <> '');
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
alter table public.t add deleted_at timestamptz, add status text;
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id and deleted_at is null and status <> 'draft' and private.is_member(org_id));
