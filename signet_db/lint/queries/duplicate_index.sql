-- level: warning
-- supabase: 0009 duplicate_index
-- what: Two indexes of a table are the same
-- why: Each write maintains both, and one is never used.
-- fix: drop index … (the one that no constraint needs);
select t.title, 'the same: ' || string_agg(i.indexrelid::regclass::text, ', ' order by i.indexrelid)
from pg_index i
join tables t on t.oid = i.indrelid
group by t.title, i.indrelid, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
    pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
having count(*) > 1
