-- bad: public.t
create table public.t (id int primary key);
alter table public.t enable row level security;
-- good
create table public.t (id int primary key);
alter table public.t enable row level security;
create policy p on public.t for select to authenticated using (true);
