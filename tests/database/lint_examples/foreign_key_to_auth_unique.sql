-- bad: public.t.t_phone_fkey
create table public.t (phone text references auth.users (phone));
-- good
create table public.t (user_id uuid references auth.users);
