-- bad: public.t.extra
create table public.t (id int, extra jsonb);
grant insert on public.t to authenticated;
-- good
create table public.t (id int, extra jsonb check (pg_column_size(extra) <= 10000));
grant insert on public.t to authenticated;
create table public.read_only (extra jsonb);
grant select on public.read_only to authenticated;
