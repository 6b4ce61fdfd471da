-- bad: public.f()
create function public.f() returns int language sql as 'select 1';
-- good
create function public.f() returns int language sql set search_path = '' as 'select 1';
create function public.g() returns int language sql return 1;
create function public.h() returns int language sql security definer as 'select 1';
