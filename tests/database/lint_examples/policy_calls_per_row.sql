-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for select to authenticated using (auth.uid() = user_id);
-- bad: public.t "claims"
create table public.t (team text);
create policy claims on public.t for insert to authenticated
with check (team = (select auth.jwt() ->> 'team') and (auth.jwt() ->> 'aal') = 'aal2');
-- bad: public.t "joined"
create table public.t (id int);
create table public.members (t int, user_id uuid);
create policy joined on public.t for select to authenticated
using (exists (select from public.members where t = id and user_id = auth.uid()));
-- bad: public.t "setting"
create table public.t (tenant text);
create policy setting on public.t for select to authenticated using (tenant = current_setting('app.tenant'));
-- good
create table public.t (id int);
-- Alone in a condition it is a one-time filter: the planner computes it before the first row.
create policy session on public.t as restrictive for select to authenticated using (private.session_is_live());
-- good
create table public.t (user_id uuid, team text);
create table public.members (team text, user_id uuid);
create policy p on public.t for select to authenticated
using (
    (select auth.uid()) = user_id
    and team = (select (auth.jwt() -> 'app_metadata') ->> 'team')
    and team in (select m.team from public.members m where m.user_id = (select auth.uid()))
    and team <> 'auth.uid() from'
    and (select private.session_is_live())
);
-- bad: public.t "p"
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id or private.is_staff());
-- good
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (private.is_member(org_id));
-- good
create schema if not exists private;
create function private.is_member(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return true; end $$;
create function private.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$ begin return false; end $$;
create table public.t (id uuid primary key, user_id uuid not null, org_id uuid, code text);
create index on public.t (user_id);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using ((select auth.uid()) = user_id or (select private.is_staff()));
-- good
create schema if not exists private;
create function private.my_orgs(role text) returns setof uuid language sql stable security definer set search_path = '' as $$ select null::uuid $$;
create table public.t (id uuid primary key, org_id uuid);
create index on public.t (org_id);
create policy "p" on public.t for all to authenticated
using (org_id in (select private.my_orgs('admin'))) with check (org_id in (select private.my_orgs('admin')));
