-- The caller's own profile, in one request that also tells an ended session from a profile that does not exist.
--
-- The policies show an ended session no rows, which reads like "there is no profile". This function raises SQLSTATE
-- PT401 instead, which the data API answers with HTTP status 401. Security invoker: the policies still decide.

create function public.my_profile() returns setof public.profiles
language plpgsql
stable
set search_path = ''
as $$
begin
    if not private.session_is_live() then
        raise exception 'This session has ended.' using errcode = 'PT401', hint = 'Log in again.';
    end if;
    return query select profiles.* from public.profiles where profiles.user_id = auth.uid();
end
$$;

comment on function public.my_profile() is 'The caller''s own profile; error PT401 when the session has ended';

revoke all on function public.my_profile() from public, anon, authenticated, service_role;

grant execute on function public.my_profile() to authenticated;
