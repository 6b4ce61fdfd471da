-- A table is published, a trigger broadcasts changes, and members of a topic may read it.
create table public.rooms (id bigint generated always as identity primary key, title text);
alter table public.rooms replica identity full;
alter publication supabase_realtime add table public.rooms;

create function public.broadcast_room() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform realtime.broadcast_changes(
        'room:' || coalesce(new.id, old.id)::text, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
    return null;
end;
$$;
create trigger broadcast_room after insert or update or delete on public.rooms
    for each row execute function public.broadcast_room();
create policy "Members read" on realtime.messages for select to authenticated
    using ((select realtime.topic()) like 'room:%' and extension = 'broadcast');

insert into public.rooms (title) values ('One');
update public.rooms set title = 'Two';
delete from public.rooms;
do $$
begin
    assert (select array_agg(event order by inserted_at, event) from realtime.messages) is not null;
    assert (select count(*) from realtime.messages where topic = 'room:1') = 3;
    assert (select payload -> 'old_record' from realtime.messages where event = 'INSERT') = 'null';
    assert (select payload -> 'record' ->> 'title' from realtime.messages where event = 'UPDATE') = 'Two';
end
$$;

-- As tools write it that replace the whole publication.
drop publication if exists supabase_realtime;
create publication supabase_realtime for table public.rooms;
