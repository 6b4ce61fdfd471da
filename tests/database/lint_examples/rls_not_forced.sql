-- bad: public.t
create table public.t (id int);
alter table public.t enable row level security;
-- good
create table public.t (id int);
alter table public.t enable row level security;
alter table public.t force row level security;
