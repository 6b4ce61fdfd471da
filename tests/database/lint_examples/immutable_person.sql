-- bad: public.me()
create function public.me() returns uuid language plpgsql immutable set search_path = '' as $$ begin return auth.uid(); end $$;
-- good
create function public.me() returns uuid language plpgsql stable set search_path = '' as $$ begin return auth.uid(); end $$;
