-- Results as TAP lines (testanything.org). The plan and the counts are settings of the transaction, which a test
-- rolls back. Assertions return text; a set of lines where they say more than one.

create function signet_tap(name text) returns integer language sql stable
return coalesce(nullif(current_setting('pgtap.' || name, true), ''), '0')::integer;

create function signet_tap(name text, value integer) returns void language sql volatile
begin atomic
    select set_config('pgtap.' || name, value::text, true);
end;

create function diag(msg text) returns text language sql strict
return regexp_replace(msg, '^', '# ', 'gn');

create function plan(tests integer) returns text language plpgsql as $$
begin
    perform @extschema@.signet_tap('plan', tests), @extschema@.signet_tap('run', 0),
        @extschema@.signet_tap('failed', 0);
    return '1..' || tests;
end
$$;

create function no_plan() returns setof boolean language plpgsql as $$
begin
    perform @extschema@.signet_tap('plan', 0), @extschema@.signet_tap('run', 0),
        @extschema@.signet_tap('failed', 0);
end
$$;

create function finish(exception_on_failure boolean default null) returns setof text language plpgsql as $$
declare
    planned integer := @extschema@.signet_tap('plan');
    run integer := @extschema@.signet_tap('run');
    failed integer := @extschema@.signet_tap('failed');
begin
    if planned = 0 then
        return next '1..' || run;
    elsif planned <> run then
        return next format('# Looks like you planned %s tests but ran %s', planned, run);
    end if;
    if failed > 0 then
        return next format('# Looks like you failed %s tests of %s', failed, run);
        if exception_on_failure then
            raise exception '% tests failed of %', failed, run;
        end if;
    end if;
end
$$;

create function ok(is_ok boolean, description text default null) returns text language plpgsql as $$
declare
    number integer := @extschema@.signet_tap('run') + 1;
    line text := number || coalesce(' - ' || replace(description, '#', '\#'), '');
begin
    perform @extschema@.signet_tap('run', number);
    if is_ok then
        return 'ok ' || line;
    end if;
    perform @extschema@.signet_tap('failed', @extschema@.signet_tap('failed') + 1);
    return 'not ok ' || line || E'\n' || @extschema@.diag('Failed test ' || line);
end
$$;

-- A failed assertion says why, on the lines after its own.
create function signet_judge(is_ok boolean, description text, reason text) returns text language sql
return ok(is_ok, description) || case when is_ok then '' else E'\n' || diag(coalesce(reason, '')) end;

create function pass(description text default null) returns text language sql
return ok(true, description);

create function fail(description text default null) returns text language sql
return ok(false, description);

create function skip(why text, how_many integer default 1) returns text language plpgsql as $$
declare
    lines text[];
begin
    for i in 1 .. how_many loop
        lines := lines || (@extschema@.ok(true) || ' # SKIP ' || why);
    end loop;
    return array_to_string(lines, E'\n');
end
$$;

create function "is"(have anyelement, want anyelement, description text default null) returns text
language plpgsql as $$
begin
    return @extschema@.signet_judge(
        have is not distinct from want, description, format(E'have: %s\nwant: %s', have, want));
end
$$;

create function isnt(have anyelement, want anyelement, description text default null) returns text
language plpgsql as $$
begin
    return @extschema@.signet_judge(
        have is distinct from want, description, format('have: %s, which was not wanted', have));
end
$$;

create function matches(have text, pattern text, description text default null) returns text language sql
return signet_judge(have ~ pattern, description, format('%L does not match %L', have, pattern));

create function imatches(have text, pattern text, description text default null) returns text language sql
return signet_judge(have ~* pattern, description, format('%L does not match %L', have, pattern));

create function doesnt_match(have text, pattern text, description text default null) returns text language sql
return signet_judge(have !~ pattern, description, format('%L matches %L', have, pattern));

create function alike(have text, pattern text, description text default null) returns text language sql
return signet_judge(have like pattern, description, format('%L is not like %L', have, pattern));

create function cmp_ok(have anyelement, operator text, want anyelement, description text default null)
returns text language plpgsql as $$
declare
    result boolean;
begin
    execute format('select $1 operator(pg_catalog.%s) $2', operator) into result using have, want;
    return @extschema@.signet_judge(result, description, format('%s %s %s', have, operator, want));
end
$$;

-- A query is SQL text, or the name of a prepared statement.
create function signet_query(query text) returns text language sql immutable
return case when query ~ '^\s*(\w+|".+")\s*$' then 'execute ' || query else query end;

create function signet_rows(query text) returns text[] language plpgsql as $$
declare
    one record;
    rows text[] := '{}';
begin
    for one in execute @extschema@.signet_query(query) loop
        rows := rows || one::text;
    end loop;
    return rows;
end
$$;

create function signet_sorted(rows text[]) returns text[] language sql immutable
return coalesce((select array_agg(one order by one) from unnest(rows) as one), '{}');

create function results_eq(have text, want text, description text default null) returns text
language plpgsql as $$
declare
    had text[] := @extschema@.signet_rows(have);
    wanted text[] := @extschema@.signet_rows(want);
begin
    return @extschema@.signet_judge(had = wanted, description, format(E'have: %s\nwant: %s', had, wanted));
end
$$;

create function results_eq(have text, want anyarray, description text default null) returns text
language plpgsql as $$
declare
    had text[] := @extschema@.signet_rows(have);
    wanted text[] := coalesce((
        select array_agg(row(one)::text order by n) from unnest(want) with ordinality as u (one, n)), '{}');
begin
    return @extschema@.signet_judge(had = wanted, description, format(E'have: %s\nwant: %s', had, wanted));
end
$$;

create function bag_eq(have text, want text, description text default null) returns text language plpgsql as $$
declare
    had text[] := @extschema@.signet_sorted(@extschema@.signet_rows(have));
    wanted text[] := @extschema@.signet_sorted(@extschema@.signet_rows(want));
begin
    return @extschema@.signet_judge(had = wanted, description, format(E'have: %s\nwant: %s', had, wanted));
end
$$;

create function set_eq(have text, want text, description text default null) returns text language plpgsql as $$
declare
    had text[] := @extschema@.signet_rows(have);
    wanted text[] := @extschema@.signet_rows(want);
begin
    return @extschema@.signet_judge(
        had <@ wanted and wanted <@ had, description, format(E'have: %s\nwant: %s', had, wanted));
end
$$;

create function is_empty(query text, description text default null) returns text language plpgsql as $$
declare
    had text[] := @extschema@.signet_rows(query);
begin
    return @extschema@.signet_judge(had = '{}', description, format('unexpected: %s', had));
end
$$;

create function isnt_empty(query text, description text default null) returns text language plpgsql as $$
begin
    return @extschema@.signet_judge(
        @extschema@.signet_rows(query) <> '{}', description, 'the query returned no rows');
end
$$;

create function lives_ok(query text, description text default null) returns text language plpgsql as $$
begin
    execute @extschema@.signet_query(query);
    return @extschema@.ok(true, description);
exception when others then
    return @extschema@.signet_judge(false, description, format('died: %s: %s', sqlstate, sqlerrm));
end
$$;

create function throws_ok(query text, errcode text, errmsg text, description text) returns text
language plpgsql as $$
declare
    code text;
    message text;
begin
    begin
        execute @extschema@.signet_query(query);
    exception when others or assert_failure then
        code := sqlstate;
        message := sqlerrm;
    end;
    return @extschema@.signet_judge(
        code is not null and coalesce(errcode = code, true) and coalesce(errmsg = message, true), description,
        format(E'caught: %s: %s\nwanted: %s: %s', coalesce(code, 'no exception'), message, errcode, errmsg));
end
$$;

-- With two or three arguments: five letters or digits are an SQLSTATE, anything else is the message.
create function throws_ok(query text, errcode text, errmsg text) returns text language sql
return case when errcode ~ '^[0-9A-Z]{5}$' then throws_ok(query, errcode, errmsg, 'threw ' || errcode)
    else throws_ok(query, null, errcode, errmsg) end;

create function throws_ok(query text, errcode text) returns text language sql
return case when errcode ~ '^[0-9A-Z]{5}$' then throws_ok(query, errcode, null, 'threw ' || errcode)
    else throws_ok(query, null, errcode, 'threw ' || errcode) end;

create function throws_ok(query text) returns text language sql
return throws_ok(query, null, null, 'threw an exception');

create function throws_like(query text, pattern text, description text default null) returns text
language plpgsql as $$
declare
    message text;
begin
    begin
        execute @extschema@.signet_query(query);
    exception when others then
        message := sqlerrm;
    end;
    return @extschema@.signet_judge(
        coalesce(message like pattern, false), description, coalesce(message, 'no exception'));
end
$$;

-- What is in the catalogue. Names are as in pg_class, not SQL text.
create function signet_relation(schema name, name name, kinds "char"[]) returns boolean language sql stable
return exists (
    select from pg_class c
    where c.relname = name and c.relkind = any (kinds)
        and case when schema is null then pg_table_is_visible(c.oid) else c.relnamespace::regnamespace::text = schema end);

create function has_table(schema name, "table" name, description text) returns text language sql
return ok(signet_relation(schema, "table", '{r,p}'), description);

create function has_table("table" name, description text default null) returns text language sql
return ok(signet_relation(null, "table", '{r,p}'), coalesce(description, format('Table %s should exist', "table")));

create function has_table(schema name, "table" name) returns text language sql
return ok(signet_relation(schema, "table", '{r,p}'), format('Table %s.%s should exist', schema, "table"));

create function hasnt_table(schema name, "table" name, description text default null) returns text language sql
return ok(not signet_relation(schema, "table", '{r,p}'), description);

create function has_view(schema name, view name, description text default null) returns text language sql
return ok(signet_relation(schema, view, '{v}'), description);

create function has_index(schema name, "table" name, index name, description text default null) returns text
language sql
return ok(exists (
    select from pg_indexes where schemaname = schema and tablename = "table" and indexname = index), description);

create function has_schema(schema name, description text default null) returns text language sql
return ok(exists (select from pg_namespace where nspname = schema),
    coalesce(description, format('Schema %s should exist', schema)));

create function has_role(role name, description text default null) returns text language sql
return ok(exists (select from pg_roles where rolname = role),
    coalesce(description, format('Role %s should exist', role)));

create function has_extension(extension name, description text default null) returns text language sql
return ok(exists (select from pg_extension where extname = extension),
    coalesce(description, format('Extension %s should exist', extension)));

create function has_column(schema name, "table" name, "column" name, description text) returns text language sql
return ok(exists (
    select from information_schema.columns
    where table_schema = schema and table_name = "table" and column_name = "column"), description);

create function has_column("table" name, "column" name, description text default null) returns text language sql
return ok(exists (
    select from pg_attribute where attrelid = to_regclass(quote_ident("table")) and attname = "column"
        and not attisdropped),
    coalesce(description, format('Column %s.%s should exist', "table", "column")));

create function col_type_is(schema name, "table" name, "column" name, type text, description text default null)
returns text language sql
return "is"((
    select format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = to_regclass(format('%I.%I', schema, "table")) and attname = "column"), type, description);

create function col_not_null(schema name, "table" name, "column" name, description text default null)
returns text language sql
return ok((
    select attnotnull from pg_attribute
    where attrelid = to_regclass(format('%I.%I', schema, "table")) and attname = "column"), description);

create function has_function(schema name, function name, description text default null) returns text language sql
return ok(exists (
    select from pg_proc where pronamespace::regnamespace::text = schema and proname = function), description);

create function has_function(schema name, function name, args text[], description text default null)
returns text language sql
return ok(to_regprocedure(format('%I.%I(%s)', schema, function, array_to_string(args, ','))) is not null, description);

create function has_trigger(schema name, "table" name, trigger name, description text default null)
returns text language sql
return ok(exists (
    select from pg_trigger
    where tgrelid = to_regclass(format('%I.%I', schema, "table")) and tgname = trigger), description);

create function policies_are(schema name, "table" name, policies name[], description text default null)
returns text language sql
return "is"(
    (select coalesce(array_agg(policyname::text order by policyname::text), '{}')
     from pg_policies where schemaname = schema and tablename = "table"),
    (select coalesce(array_agg(one::text order by one::text), '{}') from unnest(policies) as one), description);

create function policy_roles_are(schema name, "table" name, policy name, roles name[], description text default null)
returns text language sql
return "is"(
    (select array_agg(role::text order by role::text) from pg_policies, unnest(pg_policies.roles) as role
     where schemaname = schema and tablename = "table" and policyname = policy),
    (select array_agg(one::text order by one::text) from unnest(roles) as one), description);

create function policy_cmd_is(schema name, "table" name, policy name, command text, description text default null)
returns text language sql
return "is"(
    (select cmd from pg_policies where schemaname = schema and tablename = "table" and policyname = policy),
    upper(command), description);
