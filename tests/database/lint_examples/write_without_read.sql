-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for delete to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for select to anon using (false);
-- good
create table public.t (user_id uuid);
create policy p on public.t for delete to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy r on public.t for insert to anon with check (false);
