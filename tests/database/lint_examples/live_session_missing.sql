-- bad: public.t
create table public.t (user_id uuid);
alter table public.t enable row level security;
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- bad: public.t
create table public.t (user_id uuid);
alter table public.t enable row level security;
create policy p on public.t for select to authenticated using ((select private.session_is_live()));
-- good
create table public.t (user_id uuid);
alter table public.t enable row level security;
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t as restrictive for all to authenticated
using ((select private.session_is_live())) with check ((select private.session_is_live()));
create table public.service_only (id int);
alter table public.service_only enable row level security;
