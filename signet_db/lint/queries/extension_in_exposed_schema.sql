-- level: warning
-- supabase: 0014 extension_in_public
-- what: An extension lies in an exposed schema
-- why: Its functions can be called through the data API.
-- fix: alter extension … set schema extensions;
select quote_ident(e.extname), format('lies in %%I', n.nspname)
from pg_extension e
join pg_namespace n on n.oid = e.extnamespace
where n.nspname = any (%(exposed)s)
