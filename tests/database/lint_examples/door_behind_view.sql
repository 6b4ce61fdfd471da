-- bad: public.v
create table public.t (id int primary key);
create schema if not exists private;
create view private.w as select id from public.t;
create view public.v with (security_invoker = true) as select id from private.w;
grant select on public.v to authenticated;
-- bad: public.v
create table public.t (id int primary key);
create schema if not exists private;
create materialized view private.w as select id from public.t;
create view public.v with (security_invoker = true) as select id from private.w;
grant select on public.v to authenticated;
-- good
create table public.t (id int primary key);
create schema if not exists private;
create view private.w with (security_invoker = true) as select id from public.t;
create view public.v with (security_invoker = true) as select id from private.w;
grant select on public.v to authenticated;
