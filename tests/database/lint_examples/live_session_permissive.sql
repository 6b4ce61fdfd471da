-- bad: public.t "live"
create schema if not exists private;
create function private.is_alive() returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from auth.sessions where id = (auth.jwt() ->> 'session_id')::uuid) $$;
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy "live" on public.t for select to authenticated using ((select private.is_alive()));
-- good
create schema if not exists private;
create function private.is_alive() returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from auth.sessions where id = (auth.jwt() ->> 'session_id')::uuid) $$;
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy "live" on public.t as restrictive for select to authenticated using ((select private.is_alive()));
-- good
create schema if not exists private;
create function private.is_alive() returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from auth.sessions where id = (auth.jwt() ->> 'session_id')::uuid) $$;
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id and (select private.is_alive()));
