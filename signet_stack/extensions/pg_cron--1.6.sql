-- Jobs are recorded in cron.job with pg_cron's checks and answers. Nothing runs them: call the command yourself.

create schema cron;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;

create table cron.job (
    jobid bigint primary key default nextval('cron.jobid_seq'),
    schedule text not null,
    command text not null,
    nodename text not null default 'localhost',
    nodeport integer not null default inet_server_port(),
    database text not null default current_database(),
    username text not null default current_user,
    active boolean not null default true,
    jobname text,
    constraint jobname_username_uniq unique (jobname, username)
);
create table cron.job_run_details (
    jobid bigint,
    runid bigint primary key default nextval('cron.runid_seq'),
    job_pid integer,
    database text,
    username text,
    command text,
    status text,
    return_message text,
    start_time timestamptz,
    end_time timestamptz
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

-- Five fields, a name, or seconds; the values of a field as cron has them.
create function cron.signet_is_schedule(schedule text) returns boolean language sql immutable as $$
    select schedule ~* '^\s*@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)\s*$'
        or schedule ~* '^\s*([1-9]|[1-5][0-9])\s+seconds?\s*$'
        or (
            array_length(fields, 1) = 5
            and not exists (
                select from unnest(fields) with ordinality as f (field, n),
                    regexp_split_to_table(field, ',') as part
                where part !~* (case n
                    when 3 then '^((\*|[0-9]+(-[0-9]+)?)(/[1-9][0-9]*)?|\$)$'
                    when 4 then '^(\*|([0-9]+|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-([0-9]+|[a-z]{3}))?)(/[1-9][0-9]*)?$'
                    when 5 then '^(\*|([0-9]+|sun|mon|tue|wed|thu|fri|sat)(-([0-9]+|[a-z]{3}))?)(/[1-9][0-9]*)?$'
                    else '^(\*|[0-9]+(-[0-9]+)?)(/[1-9][0-9]*)?$' end)
                or exists (
                    select from regexp_matches(part, '[0-9]+', 'g') as number
                    where number[1]::integer > (array[59, 23, 31, 12, 7])[n] and part !~ ('/' || number[1] || '$')))
        )
    from (select regexp_split_to_array(trim(schedule), '\s+')) as split (fields)
$$;

-- Security definer, because cron.job is written by the functions only; the caller must be a member of job_user.
create function cron.signet_store(
    job_name text, job_schedule text, job_command text, job_database text, job_user text, job_active boolean
)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    stored bigint;
begin
    if not cron.signet_is_schedule(job_schedule) then
        raise exception 'invalid schedule: %', job_schedule using errcode = '22023',
            hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    elsif not pg_has_role(session_user, job_user, 'member') then
        raise exception 'permission denied to schedule a job as %', job_user using errcode = '42501';
    end if;
    insert into cron.job as j (schedule, command, database, username, active, jobname)
    values (job_schedule, job_command, job_database, job_user, job_active, job_name)
    on conflict on constraint jobname_username_uniq do update set
        schedule = excluded.schedule, command = excluded.command, database = excluded.database,
        active = excluded.active
    returning jobid into stored;
    return stored;
end
$$;

create function cron.signet_delete(id bigint, name text, job_user text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    delete from cron.job j
    where (j.jobid = id or j.jobname = name) and j.username = job_user
        and pg_has_role(session_user, job_user, 'member');
    if not found then
        raise exception 'could not find valid entry for job ''%''', coalesce(name, id::text) using errcode = 'XX000';
    end if;
    return true;
end
$$;

create function cron.schedule(schedule text, command text) returns bigint language sql strict as $$
    select cron.signet_store(null, schedule, command, current_database(), current_user, true)
$$;

create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
    select cron.signet_store(job_name, schedule, command, current_database(), current_user, true)
$$;

create function cron.schedule_in_database(
    job_name text, schedule text, command text, database text, username text default null,
    active boolean default true
)
returns bigint language sql as $$
    select cron.signet_store(job_name, schedule, command, database, coalesce(username, current_user), active)
$$;

create function cron.unschedule(job_id bigint) returns boolean language sql strict as $$
    select cron.signet_delete(job_id, null, current_user)
$$;

create function cron.unschedule(job_name text) returns boolean language sql strict as $$
    select cron.signet_delete(null, job_name, current_user)
$$;

create function cron.alter_job(
    job_id bigint, schedule text default null, command text default null, database text default null,
    username text default null, active boolean default null
)
returns void language plpgsql security definer set search_path = '' as $$
begin
    if not cron.signet_is_schedule(coalesce(schedule, '@daily')) then
        raise exception 'invalid schedule: %', schedule using errcode = '22023';
    elsif not pg_has_role(session_user, coalesce(username, session_user), 'member') then
        raise exception 'permission denied to schedule a job as %', username using errcode = '42501';
    end if;
    update cron.job j set
        schedule = coalesce(alter_job.schedule, j.schedule), command = coalesce(alter_job.command, j.command),
        database = coalesce(alter_job.database, j.database), username = coalesce(alter_job.username, j.username),
        active = coalesce(alter_job.active, j.active)
    where j.jobid = job_id and pg_has_role(session_user, j.username, 'member');
    if not found then
        raise exception 'Job % does not exist or you don''t own it', job_id using errcode = 'XX000';
    end if;
end
$$;

revoke execute on function cron.schedule_in_database, cron.alter_job from public;
grant usage on schema cron to postgres with grant option;
grant execute on all functions in schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant select, insert, update, delete, truncate, references on cron.job_run_details to postgres with grant option;
grant usage, select on all sequences in schema cron to postgres;
