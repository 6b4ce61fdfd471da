-- bad: public.t.user_id
create table public.t (id int primary key, user_id uuid);
create index on public.t (id, user_id);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- bad: public.t.is_public
create table public.t (user_id uuid unique, is_public boolean);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id or is_public);
-- good
create table public.t (id int primary key, user_id uuid, is_public boolean, title text);
create index on public.t (user_id, title);
create index on public.t (id) where is_public;
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id or is_public);
create policy q on public.t for insert to authenticated with check (title <> '');
