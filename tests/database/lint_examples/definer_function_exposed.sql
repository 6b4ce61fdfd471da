-- bad: public.f()
create function public.f() returns int language sql security definer set search_path = '' as 'select 1';
grant execute on function public.f() to authenticated;
-- good
create function private.f() returns int language sql security definer set search_path = '' as 'select 1';
grant execute on function private.f() to authenticated;
create function public.g() returns int language sql security definer set search_path = '' as 'select 1';
create function public.h() returns int language sql as 'select 1';
grant execute on function public.h() to authenticated;
