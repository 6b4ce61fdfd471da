-- bad: public.v
create view public.v as select 1 as one;
-- bad: public.v
create view public.v with (security_invoker = off) as select 1 as one;
-- good
create view public.v with (security_invoker = on) as select 1 as one;
create view private.v as select 1 as one;
