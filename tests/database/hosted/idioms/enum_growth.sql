-- A new value of an enum may be added in a migration, and used in the next one.
create type public.status as enum ('open', 'closed');
create table public.tickets (id int primary key, status public.status not null default 'open');
alter type public.status add value if not exists 'waiting' before 'closed';
insert into public.tickets values (1);
