-- Buckets by SQL, each person's own folder, and a policy that is written again.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('avatars', 'avatars', true, 5242880, '{image/png,image/jpeg}')
on conflict (id) do nothing;

create policy "Avatars are public" on storage.objects for select using (bucket_id = 'avatars');
create policy "Own folder" on storage.objects for insert to authenticated
    with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid()::text));
drop policy if exists "Own folder" on storage.objects;
create policy "Own folder" on storage.objects for all to authenticated
    using (bucket_id = 'avatars' and owner_id = (select auth.uid()::text))
    with check (
        bucket_id = 'avatars'
        and (storage.foldername(name))[1] = (select auth.uid()::text)
        and storage.extension(name) in ('png', 'jpg'));
comment on policy "Own folder" on storage.objects is 'The first folder is the person''s id';

insert into storage.objects (bucket_id, name, owner_id) values ('avatars', 'a/face.png', 'a');
set role authenticated;
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-000000000001"}', true);
insert into storage.objects (bucket_id, name, owner_id) values (
    'avatars', '00000000-0000-4000-8000-000000000001/face.png', '00000000-0000-4000-8000-000000000001');
do $$
begin
    assert (select count(*) from storage.objects) = 2, 'both are public';
    begin
        insert into storage.objects (bucket_id, name) values ('avatars', 'other/face.png');
        assert false, 'a folder of another person';
    exception when insufficient_privilege then
        null;
    end;
end
$$;
reset role;
