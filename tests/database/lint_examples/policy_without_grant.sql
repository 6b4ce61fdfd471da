-- bad: public.t "p"
create table public.t (user_id uuid);
grant insert, update, delete on public.t to authenticated;
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- bad: hidden.t "schema"
create schema hidden;
create table hidden.t (user_id uuid);
grant select on hidden.t to authenticated;
create policy schema on hidden.t for select to authenticated using ((select auth.uid()) = user_id);
-- good
create table public.t (user_id uuid, title text);
grant select, delete, insert (title), update (title) on public.t to authenticated;
create policy p on public.t to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
