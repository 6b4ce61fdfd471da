-- bad: public
alter default privileges in schema public grant select on tables to anon;
-- good
alter default privileges in schema private grant select on tables to anon;
alter default privileges in schema public grant select on tables to service_role;
