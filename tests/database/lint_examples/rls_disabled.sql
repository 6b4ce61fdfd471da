-- bad: public.t
create table public.t (id int primary key);
-- good
create table public.t (id int primary key);
alter table public.t enable row level security;
create schema hidden;
create table hidden.t (id int primary key);
