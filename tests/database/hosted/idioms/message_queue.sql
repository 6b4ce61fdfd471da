-- A queue of jobs: sent, read, archived.
create extension if not exists pgmq;
select pgmq.create('jobs');
select * from pgmq.send('jobs', '{"job": 1}');
select * from pgmq.send_batch('jobs', array['{"job": 2}', '{"job": 3}']::jsonb[]);
do $$
declare
    first pgmq.message_record;
begin
    select * into first from pgmq.read('jobs', 30, 1);
    assert first.message = '{"job": 1}' and first.read_ct = 1;
    assert (select count(*) from pgmq.read('jobs', 30, 10)) = 2, 'the first is invisible';
    assert (select count(*) from pgmq.pop('jobs')) = 0;
    assert pgmq.archive('jobs', 1) and pgmq.delete('jobs', 2);
    assert (select queue_length from pgmq.metrics('jobs')) = 1;
end
$$;
select pgmq.drop_queue('jobs');
