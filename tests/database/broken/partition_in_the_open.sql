-- fault: A partition is reached beside the policies of its parent
-- named by: prove, rls_disabled
-- both
create table public.events (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    day date not null default '2030-06-01',
    title text not null,
    primary key (id, day)
) partition by range (day);
create table public.events_all partition of public.events for values from ('2000-01-01') to ('2100-01-01');
create index on public.events (user_id);
alter table public.events enable row level security;
alter table public.events force row level security;
revoke all on public.events, public.events_all from public, anon, authenticated, service_role;
grant select on public.events to authenticated;
create policy "read own" on public.events for select to authenticated using ((select auth.uid()) = user_id);

-- broken
grant select on public.events_all to authenticated;

-- right
alter table public.events_all enable row level security;
alter table public.events_all force row level security;

-- seed
insert into public.events (user_id, title) values (:alice, 'hers');

-- witness: bob
select from public.events_all where title = 'hers';
