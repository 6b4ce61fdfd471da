-- updated_at by the extension.
create extension if not exists moddatetime schema extensions;
create table public.notes_of_time (id int primary key, body text, updated_at timestamptz default '2000-01-01');
create trigger handle_updated_at before update on public.notes_of_time
    for each row execute procedure extensions.moddatetime(updated_at);
insert into public.notes_of_time values (1, 'one');
update public.notes_of_time set body = 'two' where id = 1;
do $$
begin
    assert (select updated_at from public.notes_of_time) = now();
end
$$;
