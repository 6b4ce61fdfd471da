-- level: warning
-- what: The owner column may be null
-- why: A row without an owner is invisible to all people, so the mistake that made it goes unnoticed.
-- fix: alter table … alter column … set not null;  with  default auth.uid()
select distinct c.title, format('compared with auth.uid() by %%s', p.title)
from policies p
join columns c on c.table_oid = p.table_oid and not c.is_required
cross join lateral regexp_replace(quote_ident(c.name), '(\W)', '\\\1', 'g') as pattern
where p.expressions ~ format('auth\.uid\(\)( AS uid\))? = %%s([ )]|$)', pattern)
    or p.expressions ~ format('(^|[ (])%%s = (\( SELECT )?auth\.uid\(\)', pattern)
