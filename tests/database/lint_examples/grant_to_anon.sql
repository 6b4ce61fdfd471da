-- bad: public.t
create table public.t (id int);
grant select on public.t to anon;
-- bad: public.t.title
create table public.t (id int, title text);
grant select (title) on public.t to public;
-- good
create table public.t (id int);
grant select on public.t to authenticated;
create table private.t (id int);
grant select on private.t to anon;
