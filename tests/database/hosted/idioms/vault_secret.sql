-- A secret is stored once and read by a function.
create extension if not exists supabase_vault with schema vault;
select vault.create_secret('https://example.com/ü', 'project_url', 'Where webhooks go');
create function public.project_url() returns text language sql security definer set search_path = '' as $$
    select decrypted_secret from vault.decrypted_secrets where name = 'project_url'
$$;
do $$
begin
    assert public.project_url() = 'https://example.com/ü';
    assert (select secret not like '%example%' from vault.secrets);
    perform vault.update_secret((select id from vault.secrets), 'https://example.org', new_description => 'Moved');
    assert public.project_url() = 'https://example.org';
    begin
        perform vault.create_secret('again', 'project_url');
        assert false, 'a name is taken once';
    exception when unique_violation then
        null;
    end;
end
$$;
delete from vault.secrets where name = 'project_url';
