-- bad: public.t "p"
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (user_id::text = (select current_setting('request.headers', true)::json ->> 'x-user'));
-- good
create table public.t (id uuid primary key, user_id uuid not null, path text);
alter table public.t enable row level security;
create policy "p" on public.t for select to authenticated using (user_id = (select (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid));
