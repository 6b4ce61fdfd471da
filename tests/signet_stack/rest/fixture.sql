-- Schema "test" for the data API's own tests: small tables with known rows, one for each thing that PostgREST
-- documents. Runs as postgres on a fresh database. anon may use nearly everything, authenticated only some.
create schema test;
grant usage on schema test to anon, authenticated, service_role;

create table test.items (id bigserial primary key);
insert into test.items select from generate_series(1, 15);

create table test.no_pk (a varchar, b varchar);
insert into test.no_pk values (null, null), ('1', '0'), ('2', '0');

create table test.simple_pk (k varchar primary key, extra varchar not null);
insert into test.simple_pk values ('xyyx', 'u'), ('xYYx', 'v');

create table test.clients (id integer primary key, name text not null);
insert into test.clients values (1, 'Microsoft'), (2, 'Apple');

create table test.projects (
    id integer primary key,
    name text not null,
    client_id integer references test.clients
);
insert into test.projects values
    (1, 'Windows 7', 1), (2, 'Windows 10', 1), (3, 'IOS', 2), (4, 'OSX', 2), (5, 'Orphan', null);

create table test.tasks (
    id integer primary key,
    name text not null,
    project_id integer references test.projects
);
insert into test.tasks values
    (1, 'Design w7', 1), (2, 'Code w7', 1), (3, 'Design w10', 2), (4, 'Code w10', 2),
    (5, 'Design IOS', 3), (6, 'Code IOS', 3), (7, 'Design OSX', 4), (8, 'Code OSX', 4);

create table test.users (id integer primary key, name text not null);
insert into test.users values (1, 'Angela Martin'), (2, 'Michael Scott'), (3, 'Dwight Schrute');

create table test.users_tasks (
    user_id integer references test.users,
    task_id integer references test.tasks,
    primary key (user_id, task_id)
);
insert into test.users_tasks values (1, 1), (1, 2), (1, 3), (1, 4), (2, 5), (2, 6), (2, 7), (3, 1), (3, 5);

-- One-to-one (the key is the primary key), two keys to one table, a reference to itself.
create table test.passports (user_id integer primary key references test.users, number text not null);
insert into test.passports values (1, 'A-1'), (2, 'B-2');

create table test.addresses (id integer primary key, street text not null);
insert into test.addresses values (1, 'Main street'), (2, 'Side street');

create table test.orders (
    id integer primary key,
    billing_id integer constraint orders_billing references test.addresses,
    shipping_id integer constraint orders_shipping references test.addresses
);
insert into test.orders values (1, 1, 2), (2, 2, 2);

create table test.web_pages (
    id integer primary key,
    title text not null,
    parent_id integer references test.web_pages
);
insert into test.web_pages values (1, 'Home', null), (2, 'About', 1), (3, 'Blog', 1), (4, 'Post', 3);

create table test.complex_items (
    id bigint primary key,
    name text,
    settings json,
    arr_data integer[],
    "field-with_sep" integer not null default 1
);
insert into test.complex_items values
    (1, 'One', '{"foo":{"int":1,"bar":"baz"}}', '{1}', 1),
    (2, 'Two', '{"foo":{"int":1,"bar":"baz"}}', '{1,2}', 1),
    (3, 'Three', '{"foo":{"int":1,"bar":"baz"}}', '{1,2,3}', 1);

create table test.articles (id integer primary key, body text, owner name default current_user);

create table test.tiobe_pls (name text primary key, rank smallint);
insert into test.tiobe_pls values ('Java', 1), ('C', 2), ('Python', 4);

create table test.names (name text);
insert into test.names values ('David White'), ('Hebdon, John'), ('Larry "Thompson"');

create table test.bookings (id integer primary key, during int4range, tags text[], written tsvector);
insert into test.bookings values
    (1, '[1,5)', '{a,b}', to_tsvector('english', 'the quick brown foxes')),
    (2, '[5,9)', '{b,c}', to_tsvector('english', 'lazy dogs sleep')),
    (3, '[20,30)', '{}', to_tsvector('english', 'nothing to see'));

create table test.people (id serial primary key, first_name text not null, last_name text not null, age integer);
insert into test.people (first_name, last_name, age) values ('Ada', 'King', 36), ('Bob', 'Ross', null);

-- A computed column.
create function test.full_name(test.people) returns text language sql stable
    as $$ select $1.first_name || ' ' || $1.last_name $$;

create table test."odd ""names%" ("a b" integer primary key, "c%s" text, "d""e" text default 'x', "f:g" text);
insert into test."odd ""names%" values (1, 'one', 'x', 'y');

-- Computed relationships.
create function test.owner(test.projects) returns setof test.clients rows 1 language sql stable
    as $$ select * from test.clients where id = $1.client_id $$;
create function test.open_projects(test.clients) returns setof test.projects language sql stable
    as $$ select * from test.projects where client_id = $1.id $$;

create view test.project_names with (security_invoker) as select id, name from test.projects;

create table test.authors_only (owner varchar not null, secret varchar primary key);

create table test.notes (
    id integer primary key generated by default as identity,
    user_id uuid not null default auth.uid(),
    body text not null check (body <> '')
);
alter table test.notes enable row level security;
create policy "Everybody signed in reads their own notes" on test.notes for select to authenticated
    using ((select auth.uid()) = user_id);
create policy "Everybody signed in writes their own notes" on test.notes for insert to authenticated
    with check ((select auth.uid()) = user_id);
create policy "Everybody signed in changes their own notes" on test.notes for update to authenticated
    using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

grant all on all tables in schema test to anon;
grant all on all sequences in schema test to anon, authenticated;
revoke all on test.authors_only, test.notes from anon;
grant all on test.authors_only, test.notes, test.projects, test.clients to authenticated;

create sequence test.callcounter_count;
grant usage on sequence test.callcounter_count to anon;

create function test.getitemrange(min bigint, max bigint) returns setof test.items language sql stable
    as $$ select * from test.items where id > min and id <= max $$;
create function test.add_them(a integer, b integer) returns integer language sql immutable
    as $$ select a + b $$;
create function test.sayhello(name text) returns text language sql immutable as $$ select 'Hello, ' || name $$;
create function test.ret_void() returns void language sql stable as $$ select null::void $$;
create function test.ret_null() returns integer language sql stable as $$ select null::integer $$;
create function test.ret_setof_integers() returns setof integer language sql stable
    as $$ select * from (values (1), (2), (3)) as v $$;
create function test.ret_point(out x integer, out y text) language sql stable as $$ select 10, 'north' $$;
create function test.ret_table() returns table (id integer, label text) language sql stable
    as $$ values (1, 'a'), (2, 'b') $$;
create function test.one_project(wanted integer) returns test.projects language sql stable
    as $$ select * from test.projects where id = wanted $$;
create function test.all_projects() returns setof test.projects language sql stable
    as $$ select * from test.projects $$;
create function test.callcounter() returns bigint language sql volatile
    as $$ select nextval('test.callcounter_count') $$;
create function test.raise_pt402() returns void language plpgsql stable as $$
begin
    raise sqlstate 'PT402' using message = 'Payment Required', detail = 'Quota exceeded', hint = 'Upgrade your plan';
end $$;
create function test.raise_pgrst() returns void language plpgsql stable as $$
begin
    raise sqlstate 'PGRST' using
        message = '{"code":"123","message":"ABC","details":"DEF","hint":"XYZ"}',
        detail = '{"status":332,"status_text":"My Custom Status","headers":{"X-Header":"str"}}';
end $$;
create function test.ov(arg integer) returns text language sql immutable as $$ select 'integer' $$;
create function test.ov(arg text) returns text language sql immutable as $$ select 'text' $$;
create function test.with_default(a integer, b integer default 10) returns integer language sql immutable
    as $$ select a + b $$;
create function test.variadic_sum(variadic numbers integer[]) returns bigint language sql immutable
    as $$ select sum(n) from unnest(numbers) as n $$;
create function test.echo_json(json) returns json language sql immutable as $$ select $1 $$;
create function test.echo_text(text) returns text language sql immutable as $$ select $1 $$;
create function test.echo_bytes(bytea) returns bytea language sql immutable as $$ select $1 $$;
create function test.get_guc_value(prefix text, name text) returns json language sql stable
    as $$ select (nullif(current_setting(prefix, true), '')::json -> name) $$;
create function test.guc(name text) returns text language sql stable
    as $$ select current_setting(name, true) $$;
create function test.set_reply() returns text language plpgsql stable as $$
begin
    perform set_config('response.headers', '[{"X-Own": "one"}, {"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]', true);
    perform set_config('response.status', '418', true);
    return 'tea';
end $$;
create function test.bad_reply(name text, value text) returns text language plpgsql stable as $$
begin
    perform set_config(name, value, true);
    return 'bad';
end $$;
create function test.sleep(seconds double precision) returns void language sql volatile
    as $$ select pg_catalog.pg_sleep(seconds) $$;
create function test.delete_items() returns setof test.items language sql volatile
    as $$ delete from test.items where true returning * $$;
grant execute on all functions in schema test to anon, authenticated;

-- A second exposed schema, and a database function that it does not expose.
create schema second;
grant usage on schema second to anon, authenticated;
create table second.things (id integer primary key, label text);
insert into second.things values (1, 'thing');
grant select on second.things to anon;

-- A table that is called like the alias of another when that is embedded.
create table test.clients_1 (id integer primary key, client_id integer references test.clients);
insert into test.clients_1 values (7, 2);
grant select on test.clients_1 to anon;
