-- bad: drop table public.t
drop table public.t;
-- bad: drop schema if exists old cascade
drop schema if exists old cascade;
-- bad: truncate public.t
truncate public.t;
-- bad: delete from public.t
delete /* where */ from public.t;
-- bad: update public.t set title = 'where'
update public.t
    set title = 'where'; -- all
-- bad: alter table public.t drop column title
alter table public.t drop column title;
-- bad: alter table public.t drop "Title"
alter table public.t drop "Title";
-- bad: alter table public.t alter column title type varchar(20)
alter table public.t alter column title type varchar(20);
-- good
delete from public.t where id = 1;
update public.t set title = '' where id = 1;
alter table public.t drop constraint c;
alter table public.t alter column title drop not null;
insert into public.t values (1) on conflict (id) do update set title = '';
drop index public.i;
create table public.types (type text);
do $$ begin delete from public.t; end $$;
