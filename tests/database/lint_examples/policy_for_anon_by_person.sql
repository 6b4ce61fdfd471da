-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for select to anon, authenticated using ((select auth.uid()) = user_id);
-- good
create table public.t (user_id uuid, is_public boolean);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for select to anon using (is_public);
