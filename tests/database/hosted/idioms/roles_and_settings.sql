-- A role for editors whose rights people inherit, and settings of the data API in the database.
create role signet_test_editor nologin;
create table public.articles (id int primary key);
grant select on public.articles to signet_test_editor;
grant signet_test_editor to authenticated;
alter role authenticator set pgrst.db_schemas = 'public, graphql_public';
alter role authenticator reset pgrst.db_schemas;
set session_replication_role = replica;
insert into auth.identities (provider_id, user_id, identity_data, provider)
values ('1', '00000000-0000-4000-8000-000000000009', '{}', 'email');
set session_replication_role = origin;
set role authenticated;
select * from public.articles;
reset role;
revoke signet_test_editor from authenticated;
drop table public.articles;
drop role signet_test_editor;
