-- bad: public.t
create table public.t (id int unique);
-- good
create table public.t (id int primary key);
create table private.t (id int);
