-- bad: public.t "p"
create table public.t (id int);
create policy p on public.t for select to authenticated
using ((select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');
-- good
create table public.t (id int);
create policy p on public.t for select to authenticated
using ((select auth.jwt() -> 'app_metadata' ->> 'role') = 'admin');
