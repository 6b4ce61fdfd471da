-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "own" on public.t for update to authenticated using ((select auth.uid()) = user_id);
create policy "p" on public.t for select to authenticated using (true);
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "own" on public.t for update to authenticated using ((select auth.uid()) = user_id);
create policy "p" on public.t for select to authenticated using ((select auth.uid()) is not null);
-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "own" on public.t for update to authenticated using ((select auth.uid()) = user_id);
create policy "p" on public.t for select to authenticated using ((select auth.role()) = 'authenticated' or user_id = (select auth.uid()) or 1 = 1);
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "own" on public.t for update to authenticated using ((select auth.uid()) = user_id);
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- good
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (true);
-- good
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "own" on public.t for update to authenticated using ((select auth.uid()) = user_id);
create policy "p" on public.t for select to authenticated using ((select private.is_staff()));
