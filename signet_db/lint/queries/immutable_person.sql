-- level: error
-- what: A function of the caller is declared IMMUTABLE
-- why: PostgreSQL computes it when a plan is made: a cached plan keeps the person of whom it was made.
-- fix: alter function … stable;
select f.title, 'reads ' || substring(p.prosrc from 'auth\.(?:uid|jwt|role|email)|current_setting|current_user')
from functions f
join pg_proc p on p.oid = f.oid
where p.provolatile = 'i' and p.prosrc ~ 'auth\.(uid|jwt|role|email)\(|current_setting\(|\mcurrent_user\M'
