-- What the attacks go for: tables, views and functions made well, and their faulty twins.

create table public.attacked_notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    title text not null,
    is_admin boolean not null default false
);
create index on public.attacked_notes (user_id);
alter table public.attacked_notes enable row level security;
alter table public.attacked_notes force row level security;
grant select, delete, insert (id, user_id, title), update (user_id, title) on public.attacked_notes to authenticated;
grant select on public.attacked_notes to service_role;
create policy "People have their own notes" on public.attacked_notes to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

create table public.attacked_comments (note uuid references public.attacked_notes on delete cascade);
alter table public.attacked_comments enable row level security;
grant select, insert on public.attacked_comments to authenticated;
create policy "Anybody comments" on public.attacked_comments for insert to authenticated with check (true);

create table public.without_policy (id int);
insert into public.without_policy values (1);
alter table public.without_policy enable row level security;
grant select on public.without_policy to anon, authenticated;

create table public.without_rls (id int);
insert into public.without_rls values (1), (2);
grant select, truncate on public.without_rls to authenticated;

create table public.without_grant (id int);
create sequence public.attacked_numbers;

create view public.attacked_notes_by_owner as select * from public.attacked_notes;
create view public.attacked_notes_by_invoker with (security_invoker = true) as select * from public.attacked_notes;
create materialized view public.attacked_notes_copy as select * from public.attacked_notes;
grant select on public.attacked_notes_by_owner, public.attacked_notes_by_invoker, public.attacked_notes_copy to authenticated;

-- Row 15: a condition that says aloud what it is asked about. Leaky, as functions are by default.
create function public.tell(said text) returns boolean language plpgsql cost 0.0001 as $$
begin
    raise notice '%', said;
    return true;
end $$;
grant execute on function public.tell(text) to authenticated;

-- Row 17: the same function without and with a search_path of its own.
create function public.count_hijacked() returns bigint language sql security definer
as 'select count(*) from without_rls';
create function public.count_pinned() returns bigint language sql security definer set search_path = ''
as 'select count(*) from public.without_rls';
grant execute on function public.count_hijacked(), public.count_pinned() to authenticated;

-- Row 18: the definer's rights in the hands of whoever may call it.
create function public.empty_it() returns void language sql security definer set search_path = ''
as 'truncate public.without_rls';
