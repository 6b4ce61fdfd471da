-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for update to authenticated using ((select auth.uid()) = user_id);
-- bad: public.t "every"
create table public.t (user_id uuid);
create policy every on public.t to authenticated using ((select auth.uid()) = user_id);
-- good
create table public.t (user_id uuid);
create policy p on public.t for update to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy q on public.t for delete to authenticated using ((select auth.uid()) = user_id);
