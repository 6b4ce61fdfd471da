-- bad: public.t.t_parent_fkey
create table public.parents (id uuid primary key);
alter table public.parents enable row level security;
create table public.t (parent uuid references public.parents);
-- good
create table public.parents (id uuid, user_id uuid, primary key (id, user_id));
alter table public.parents enable row level security;
create table public.t (
    parent uuid, user_id uuid references auth.users, foreign key (parent, user_id) references public.parents
);
