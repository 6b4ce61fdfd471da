-- bad: public.m
create materialized view public.m as select 1 as one;
grant select on public.m to authenticated;
-- good
create materialized view public.m as select 1 as one;
create materialized view private.m as select 1 as one;
grant select on private.m to authenticated;
