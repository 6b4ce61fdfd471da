-- bad: public.t "p"
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (private.is_member(org_id));
-- bad: public.t "p"
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select private.is_member(org_id)));
-- good
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create table public.m (org_id uuid, user_id uuid, primary key (org_id, user_id));
create policy "p" on public.t for select to authenticated using (org_id in (select m.org_id from public.m));
