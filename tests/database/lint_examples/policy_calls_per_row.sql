-- bad: public.t "p"
create table public.t (user_id uuid);
create policy p on public.t for select to authenticated using (auth.uid() = user_id);
-- bad: public.t "claims"
create table public.t (team text);
create policy claims on public.t for insert to authenticated
with check (team = (select auth.jwt() ->> 'team') and (auth.jwt() ->> 'aal') = 'aal2');
-- bad: public.t "joined"
create table public.t (id int);
create table public.members (t int, user_id uuid);
create policy joined on public.t for select to authenticated
using (exists (select from public.members where t = id and user_id = auth.uid()));
-- bad: public.t "setting"
create table public.t (tenant text);
create policy setting on public.t for select to authenticated using (tenant = current_setting('app.tenant'));
-- bad: public.t "session"
create table public.t (id int);
create policy session on public.t as restrictive for all to authenticated using (private.session_is_live());
-- good
create table public.t (user_id uuid, team text);
create table public.members (team text, user_id uuid);
create policy p on public.t for select to authenticated
using (
    (select auth.uid()) = user_id
    and team = (select (auth.jwt() -> 'app_metadata') ->> 'team')
    and team in (select m.team from public.members m where m.user_id = (select auth.uid()))
    and team <> 'auth.uid() from'
    and (select private.session_is_live())
);
