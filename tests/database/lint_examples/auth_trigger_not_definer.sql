-- bad: public.greet()
create table public.greeted (id uuid primary key);
create function public.greet() returns trigger language plpgsql set search_path = '' as $$ begin insert into public.greeted values (new.id); return new; end $$;
create trigger greet after insert on auth.users for each row execute function public.greet();
-- good
create table public.greeted (id uuid primary key);
create function public.greet() returns trigger language plpgsql security definer set search_path = '' as $$ begin insert into public.greeted values (new.id); return new; end $$;
create trigger greet after insert on auth.users for each row execute function public.greet();
