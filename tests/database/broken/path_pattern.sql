-- fault: A pattern finds the person anywhere in a path
-- named by: path_pattern
-- both
create table public.files (
    path text primary key,
    size int not null default 0
);
alter table public.files enable row level security;
alter table public.files force row level security;
revoke all on public.files from public, anon, authenticated, service_role;
grant select on public.files to authenticated;

-- broken
create policy "read own" on public.files for select to authenticated
using (path like '%' || (select auth.uid()::text) || '%');

-- right
create policy "read own" on public.files for select to authenticated
using (split_part(path, '/', 1) = (select auth.uid()::text));
create index on public.files (split_part(path, '/', 1));

-- seed
insert into public.files (path) values (:alice || '/from/' || :bob);

-- witness: bob
select from public.files
