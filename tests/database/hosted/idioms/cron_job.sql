-- A nightly job, replaced under its name, and a webhook that it calls.
create extension if not exists pg_cron with schema extensions;
create extension if not exists pg_net with schema extensions;
grant usage on schema cron to postgres;
grant all privileges on all tables in schema cron to postgres;

select cron.schedule('nightly', '0 3 * * *', $$delete from net._http_response where created < now() - interval '7 days'$$);
select cron.schedule(
    'nightly', '30 3 * * *',
    $$
    select net.http_post(
        url := 'https://example.com/functions/v1/nightly',
        headers := jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer x'),
        body := '{"job": "nightly"}'::jsonb) as request_id;
    $$);
select cron.schedule('often', '30 seconds', 'select 1');
select cron.unschedule('often');
select net.http_get('https://example.com/ping');
do $$
begin
    assert (select array_agg(schedule) from cron.job) = '{30 3 * * *}';
    assert (select array_agg(url) from net.http_request_queue) = '{https://example.com/ping}';
    begin
        perform cron.schedule('wrong', '99 3 * * *', 'select 1');
        assert false, 'an hour has 60 minutes';
    exception when invalid_parameter_value then
        null;
    end;
end
$$;
