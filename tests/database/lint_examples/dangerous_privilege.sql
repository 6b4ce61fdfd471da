-- bad: public.t
create table public.t (id int);
grant truncate on public.t to authenticated;
-- bad: public.t
create table public.t (id int);
grant all on public.t to anon;
-- bad: public.s
create sequence public.s;
grant update on sequence public.s to authenticated;
-- bad: public
grant create on schema public to authenticated;
-- good
create table public.t (id int generated always as identity);
grant select, insert, update, delete on public.t to authenticated;
grant usage on sequence public.t_id_seq to authenticated;
grant all on public.t to service_role;
