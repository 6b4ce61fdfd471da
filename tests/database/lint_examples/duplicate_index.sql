-- bad: public.t
create table public.t (id int primary key, name text unique);
create index on public.t (name);
-- good
create table public.t (id int primary key, name text);
create index on public.t (name);
create index on public.t (name desc);
create index on public.t (name) where name <> '';
create index on public.t (lower(name));
create index on public.t (upper(name));
