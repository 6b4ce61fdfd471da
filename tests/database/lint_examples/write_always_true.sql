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
