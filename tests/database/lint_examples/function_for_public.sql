-- bad: private.f()
create function private.f() returns int language sql as 'select 1';
grant execute on function private.f() to public;
-- bad: public.g()
create function public.g() returns trigger language plpgsql as 'begin end';
grant execute on function public.g() to public;
-- good
create function private.f() returns int language sql as 'select 1';
create function public.g() returns trigger language plpgsql as 'begin end';
