-- bad: public.f()
create function public.f() returns int language sql security definer as 'select 1';
-- bad: private.f(integer, text)
create function private.f(a int, b text) returns int language sql security definer
set search_path = public as 'select 1';
-- good
create function public.f() returns int language sql security definer set search_path = '' as 'select 1';
create function public.g() returns int language sql as 'select 1';
