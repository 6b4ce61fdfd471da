-- bad: public.t "p"
create table public.t (id int primary key);
create policy p on public.t for select using (true);
-- bad: public.t "named"
create table public.t (id int primary key);
create policy named on public.t for select to public using (true);
-- good
create table public.t (id int primary key);
create policy p on public.t for select to anon, authenticated using (true);
