-- fault: The name without a table means the inner one: it is compared with itself
-- named by: prove
-- both
create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
create table public.members (
    org_id uuid not null references public.orgs on delete cascade,
    user_id uuid not null references auth.users on delete cascade,
    role text not null default 'member' check (role in ('member', 'owner')),
    primary key (org_id, user_id)
);
create index on public.members (user_id);
create table public.projects (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.orgs on delete cascade,
    name text not null
);
create index on public.projects (org_id);
alter table public.orgs enable row level security;
alter table public.orgs force row level security;
alter table public.members enable row level security;
alter table public.members force row level security;
alter table public.projects enable row level security;
alter table public.projects force row level security;
revoke all on public.orgs, public.members, public.projects from public, anon, authenticated, service_role;
grant select on public.orgs, public.members, public.projects to authenticated;
create policy "read own memberships" on public.members for select to authenticated
using ((select auth.uid()) = user_id);
create policy "members read" on public.orgs for select to authenticated
using (id in (select m.org_id from public.members m where m.user_id = (select auth.uid())));

-- broken
create policy "members read" on public.projects for select to authenticated
using (exists (select from public.members m where m.org_id = org_id and m.user_id = (select auth.uid())));

-- right
create policy "members read" on public.projects for select to authenticated
using (org_id in (select m.org_id from public.members m where m.user_id = (select auth.uid())));

-- seed
insert into public.orgs (id, name) values ('00000000-0000-4000-8000-00000000000a', 'hers'), ('00000000-0000-4000-8000-00000000000b', 'his');
insert into public.members (org_id, user_id) values ('00000000-0000-4000-8000-00000000000a', :alice), ('00000000-0000-4000-8000-00000000000b', :bob);
insert into public.projects (org_id, name) values ('00000000-0000-4000-8000-00000000000a', 'hers');

-- witness: bob
select from public.projects where name = 'hers';
