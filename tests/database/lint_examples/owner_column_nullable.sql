-- bad: public.t.user_id
create table public.t (user_id uuid);
create policy p on public.t for select to authenticated using ((select auth.uid()) = user_id);
-- bad: public.t."Owner"
create table public.t ("Owner" uuid);
create policy p on public.t for insert to authenticated with check ("Owner" = auth.uid());
-- good
create table public.t (user_id uuid not null, helper_id uuid, note text);
create policy p on public.t for select to authenticated
using ((select auth.uid()) = user_id or note is null);
