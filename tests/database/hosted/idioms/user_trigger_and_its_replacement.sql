-- A profile for each new user; a later migration replaces function and trigger.
create extension if not exists "uuid-ossp" with schema extensions;
create table public.members (
    id uuid primary key references auth.users (id) on delete cascade,
    number uuid not null default uuid_generate_v4(),
    full_name text
);
create or replace function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = public as $$
begin
    insert into public.members (id, full_name) values (new.id, new.raw_user_meta_data ->> 'full_name');
    return new;
end;
$$;
drop trigger if exists on_auth_user_created on auth.users;
create trigger on_auth_user_created after insert on auth.users
    for each row execute procedure public.handle_new_user();

drop trigger on_auth_user_created on auth.users;
drop function public.handle_new_user();
create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.members (id, full_name) values (new.id, coalesce(new.raw_user_meta_data ->> 'name', 'New'));
    return new;
end;
$$;
create or replace trigger on_auth_user_created after insert on auth.users
    for each row execute function public.handle_new_user();

insert into auth.users (id, raw_user_meta_data) values ('00000000-0000-4000-8000-000000000001', '{"name": "Ada"}');
do $$
begin
    assert (select full_name from public.members) = 'Ada';
end
$$;
