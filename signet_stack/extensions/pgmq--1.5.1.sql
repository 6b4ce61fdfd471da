-- A queue is a table q_NAME, its archive a_NAME. A message that was read is invisible until vt; what is not deleted
-- by then is read again.

create type pgmq.message_record as (
    msg_id bigint, read_ct integer, enqueued_at timestamptz, vt timestamptz, message jsonb, headers jsonb
);
create type pgmq.queue_record as (
    queue_name varchar, is_partitioned boolean, is_unlogged boolean, created_at timestamptz
);
create type pgmq.metrics_result as (
    queue_name text, queue_length bigint, newest_msg_age_sec integer, oldest_msg_age_sec integer,
    total_messages bigint, scrape_time timestamptz, queue_visible_length bigint
);
create table pgmq.meta (
    queue_name varchar unique not null,
    is_partitioned boolean not null,
    is_unlogged boolean not null,
    created_at timestamptz not null default now()
);

create function pgmq.format_table_name(queue_name text, prefix text) returns text language plpgsql immutable as $$
begin
    if queue_name !~ '^[a-zA-Z0-9_-]+$' or length(queue_name) > 47 then
        raise exception 'queue name contains invalid characters or is longer than 47: %', queue_name;
    end if;
    return lower(prefix || '_' || queue_name);
end
$$;

create function pgmq.signet_make(queue_name text, persistence text) returns void language plpgsql as $$
declare
    columns constant text := 'read_ct integer not null default 0, enqueued_at timestamptz not null default now()';
begin
    execute format(
        'create %s table if not exists pgmq.%I (msg_id bigint primary key generated always as identity, %s,
            vt timestamptz not null, message jsonb, headers jsonb)',
        persistence, pgmq.format_table_name(queue_name, 'q'), columns);
    execute format(
        'create table if not exists pgmq.%I (msg_id bigint primary key, %s,
            archived_at timestamptz not null default now(), vt timestamptz not null, message jsonb, headers jsonb)',
        pgmq.format_table_name(queue_name, 'a'), columns);
    execute format('create index if not exists %I on pgmq.%I (vt)',
        pgmq.format_table_name(queue_name, 'q') || '_vt_idx', pgmq.format_table_name(queue_name, 'q'));
    insert into pgmq.meta values (queue_name, false, persistence = 'unlogged') on conflict do nothing;
end
$$;

create function pgmq.create(queue_name text) returns void language sql as $$
    select pgmq.signet_make(queue_name, '')
$$;

create function pgmq.create_non_partitioned(queue_name text) returns void language sql as $$
    select pgmq.signet_make(queue_name, '')
$$;

create function pgmq.create_unlogged(queue_name text) returns void language sql as $$
    select pgmq.signet_make(queue_name, 'unlogged')
$$;

create function pgmq.drop_queue(queue_name text) returns boolean language plpgsql as $$
begin
    execute format('drop table if exists pgmq.%I, pgmq.%I',
        pgmq.format_table_name(queue_name, 'q'), pgmq.format_table_name(queue_name, 'a'));
    delete from pgmq.meta m where m.queue_name = drop_queue.queue_name;
    return found;
end
$$;

create function pgmq.list_queues() returns setof pgmq.queue_record language sql as $$
    select queue_name, is_partitioned, is_unlogged, created_at from pgmq.meta
$$;

create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamptz)
returns setof bigint language plpgsql as $$
begin
    return query execute format(
        'insert into pgmq.%I (vt, message, headers) select $2, m, h from unnest($1, $3) as u (m, h) returning msg_id',
        pgmq.format_table_name(queue_name, 'q')) using msgs, delay, coalesce(headers, '{}');
end
$$;

create function pgmq.send_batch(queue_name text, msgs jsonb[]) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, msgs, null, clock_timestamp())
$$;

create function pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, msgs, null, clock_timestamp() + make_interval(secs => delay))
$$;

create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, msgs, headers, clock_timestamp())
$$;

create function pgmq.send(queue_name text, msg jsonb) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, array[msg], null, clock_timestamp())
$$;

create function pgmq.send(queue_name text, msg jsonb, delay integer) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, array[msg], null, clock_timestamp() + make_interval(secs => delay))
$$;

create function pgmq.send(queue_name text, msg jsonb, delay timestamptz) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, array[msg], null, delay)
$$;

create function pgmq.send(queue_name text, msg jsonb, headers jsonb) returns setof bigint language sql as $$
    select pgmq.send_batch(queue_name, array[msg], array[headers], clock_timestamp())
$$;

create function pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb default '{}')
returns setof pgmq.message_record language plpgsql as $$
begin
    return query execute format(
        'with found as (
            select msg_id from pgmq.%1$I where vt <= clock_timestamp() and message @> $3
            order by msg_id limit $1 for update skip locked)
        update pgmq.%1$I q set vt = clock_timestamp() + make_interval(secs => $2), read_ct = read_ct + 1
        from found where q.msg_id = found.msg_id
        returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers',
        pgmq.format_table_name(queue_name, 'q')) using qty, vt, coalesce(conditional, '{}');
end
$$;

create function pgmq.read_with_poll(
    queue_name text, vt integer, qty integer, max_poll_seconds integer default 5,
    poll_interval_ms integer default 100, conditional jsonb default '{}'
)
returns setof pgmq.message_record language plpgsql as $$
declare
    deadline timestamptz := clock_timestamp() + make_interval(secs => max_poll_seconds);
begin
    loop
        return query select * from pgmq.read(queue_name, vt, qty, conditional);
        exit when found or clock_timestamp() > deadline;
        perform pg_sleep(poll_interval_ms / 1000.0);
    end loop;
end
$$;

create function pgmq.pop(queue_name text) returns setof pgmq.message_record language plpgsql as $$
begin
    return query execute format(
        'with found as (
            select msg_id from pgmq.%1$I where vt <= clock_timestamp()
            order by msg_id limit 1 for update skip locked)
        delete from pgmq.%1$I q using found where q.msg_id = found.msg_id
        returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers',
        pgmq.format_table_name(queue_name, 'q'));
end
$$;

create function pgmq.delete(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
    return query execute format('delete from pgmq.%I where msg_id = any ($1) returning msg_id',
        pgmq.format_table_name(queue_name, 'q')) using msg_ids;
end
$$;

create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as $$
    select count(*) = 1 from pgmq.delete(queue_name, array[msg_id])
$$;

create function pgmq.archive(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
    return query execute format(
        'with moved as (
            delete from pgmq.%I where msg_id = any ($1)
            returning msg_id, read_ct, enqueued_at, vt, message, headers)
        insert into pgmq.%I (msg_id, read_ct, enqueued_at, vt, message, headers) select * from moved
        returning msg_id',
        pgmq.format_table_name(queue_name, 'q'), pgmq.format_table_name(queue_name, 'a')) using msg_ids;
end
$$;

create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as $$
    select count(*) = 1 from pgmq.archive(queue_name, array[msg_id])
$$;

create function pgmq.set_vt(queue_name text, msg_id bigint, vt integer) returns setof pgmq.message_record
language plpgsql as $$
begin
    return query execute format(
        'update pgmq.%I set vt = clock_timestamp() + make_interval(secs => $2) where msg_id = $1
        returning msg_id, read_ct, enqueued_at, vt, message, headers',
        pgmq.format_table_name(queue_name, 'q')) using msg_id, vt;
end
$$;

create function pgmq.purge_queue(queue_name text) returns bigint language plpgsql as $$
declare
    purged bigint;
begin
    execute format('with gone as (delete from pgmq.%I where true returning 1) select count(*) from gone',
        pgmq.format_table_name(queue_name, 'q')) into purged;
    return purged;
end
$$;

create function pgmq.metrics(queue_name text) returns pgmq.metrics_result language plpgsql as $$
declare
    result pgmq.metrics_result;
begin
    execute format(
        'select $1, count(*), extract(epoch from now() - max(enqueued_at))::integer,
            extract(epoch from now() - min(enqueued_at))::integer, coalesce(max(msg_id), 0), now(),
            count(*) filter (where vt <= clock_timestamp())
        from pgmq.%I', pgmq.format_table_name(queue_name, 'q')) into result using queue_name;
    return result;
end
$$;

create function pgmq.metrics_all() returns setof pgmq.metrics_result language sql as $$
    select m.* from pgmq.meta, pgmq.metrics(queue_name) as m
$$;
