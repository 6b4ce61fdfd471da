-- bad: public.v
create view public.v as select 1 as one;
grant select on public.v to authenticated;
-- bad: public.v
create view public.v with (security_invoker = off) as select 1 as one;
grant select on public.v to authenticated;
-- good
create view public.closed as select 1 as one;
revoke all on public.closed from anon, authenticated;
create view public.v with (security_invoker = on) as select 1 as one;
create view private.v as select 1 as one;
