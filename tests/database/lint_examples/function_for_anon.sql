-- bad: public.f(uuid)
create function public.f(uuid) returns int language sql security definer set search_path = '' as 'select 1';
grant execute on function public.f(uuid) to anon;
-- bad: public.g()
create function public.g() returns int language sql security definer set search_path = '' as 'select 1';
grant execute on function public.g() to public;
-- good
create function public.f() returns int language sql as 'select 1';
grant execute on function public.f() to authenticated;
create function public.g() returns trigger language plpgsql as 'begin end';
grant execute on function public.g() to public;
create function public.on_purpose() returns int language sql as 'select 1';
grant execute on function public.on_purpose() to anon;
