-- bad: public.t.t_parent_fkey
create table public.parents (id int primary key);
create table public.t (id int primary key, parent int references public.parents);
create index on public.t (id, parent);
-- good
create table public.parents (a int, b int, primary key (a, b));
create table public.t (x int, a int, b int, foreign key (a, b) references public.parents);
create index on public.t (b, a, x);
