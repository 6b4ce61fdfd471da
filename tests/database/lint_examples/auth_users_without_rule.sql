-- bad: public.t.t_user_id_fkey
create table public.t (id uuid primary key, user_id uuid references auth.users);
-- good
create table public.t (id uuid primary key, user_id uuid references auth.users on delete cascade);
