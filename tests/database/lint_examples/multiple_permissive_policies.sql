-- bad: public.t
create table public.t (user_id uuid, is_public boolean);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for select to authenticated using (is_public);
-- bad: public.t
create table public.t (user_id uuid, is_public boolean);
create policy p on public.t to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for update to anon, authenticated using (is_public);
-- good
create table public.t (user_id uuid, is_public boolean);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
create policy q on public.t for select to anon using (is_public);
create policy r on public.t as restrictive for select to authenticated using (is_public);
create policy s on public.t for delete to authenticated using ((select auth.uid()) = user_id);
