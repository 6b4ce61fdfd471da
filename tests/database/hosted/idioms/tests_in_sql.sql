-- Tests of policies with pgtap, as "supabase test db" runs them.
create extension if not exists pgtap with schema extensions;
create table public.tap_notes (id int primary key, body text not null);
alter table public.tap_notes enable row level security;
create policy "Read all" on public.tap_notes for select to authenticated using (true);
create function public.tap_run() returns setof text language plpgsql as $$
begin
    return next plan(21);
    return next has_table('public', 'tap_notes', 'the table');
    return next has_table('tap_notes');
    return next hasnt_table('public', 'nosuch', 'no other');
    return next has_column('public', 'tap_notes', 'body', 'a column');
    return next col_type_is('public', 'tap_notes', 'body', 'text', 'its type');
    return next col_not_null('public', 'tap_notes', 'body', 'not null');
    return next has_schema('auth');
    return next has_role('anon');
    return next has_extension('pgtap');
    return next has_function('auth', 'uid', '{}', 'a function');
    return next policies_are('public', 'tap_notes', '{Read all}', 'policies');
    return next policy_roles_are('public', 'tap_notes', 'Read all', '{authenticated}', 'roles');
    return next policy_cmd_is('public', 'tap_notes', 'Read all', 'select', 'command');
    return next lives_ok($q$insert into public.tap_notes values (1, 'one')$q$, 'inserts');
    return next throws_ok($q$insert into public.tap_notes values (1, 'two')$q$, '23505');
    return next results_eq('select id, body from public.tap_notes', $q$values (1, 'one')$q$, 'rows');
    return next results_eq('select body from public.tap_notes', array['one'], 'values');
    return next is_empty('select from public.tap_notes where id = 2', 'no second');
    return next "is"((select count(*) from public.tap_notes), 1::bigint, 'one row');
    return next matches('abc', '^a', 'a pattern');
    return next cmp_ok(1, '<', 2, 'order');
    return query select finish();
end
$$;
create function public.tap_fail() returns setof text language plpgsql as $$
begin
    return next plan(2);
    return next "is"(1, 2, 'equal');
    return query select finish();
end
$$;
do $$
declare
    lines text[] := array(select public.tap_run());
begin
    assert lines[1] = '1..21', lines[1];
    assert array_length(lines, 1) = 22, lines::text;
    assert lines[2] = 'ok 1 - the table', lines[2];
    assert not exists (select from unnest(lines) as line where line like 'not ok%'), lines::text;
    lines := array(select public.tap_fail());
    assert lines[2] like E'not ok 1 - equal\n# Failed test 1 - equal\n# have: 1\n# want: 2', lines[2];
    assert lines[3] = '# Looks like you planned 2 tests but ran 1', lines[3];
    assert lines[4] = '# Looks like you failed 1 tests of 1', lines[4];
end
$$;
