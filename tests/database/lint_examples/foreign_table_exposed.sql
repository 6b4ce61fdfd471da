-- bad: public.remote
create extension postgres_fdw schema extensions;
create server s foreign data wrapper postgres_fdw;
create foreign table public.remote (id int) server s;
grant select on public.remote to authenticated;
-- good
create extension postgres_fdw schema extensions;
create server s foreign data wrapper postgres_fdw;
create foreign table public.remote (id int) server s;
