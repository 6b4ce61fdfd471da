-- bad: public.t.password
create table public.t (id int, password text);
grant select on public.t to authenticated;
-- good
create table public.t (id int, password text, password_hint text);
grant select (id, password_hint) on public.t to authenticated;
