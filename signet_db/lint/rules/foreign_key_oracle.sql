-- level: info
-- what: A foreign key to a guarded table tells whether a hidden row exists
-- why: Its check passes the policies: refused means no such row. Ids that nobody can guess are enough.
-- fix: refer to (id, user_id) where the owner must be the same
select k.title, format('refers to %%s by one column', t.title)
from foreign_keys k
join tables t on t.oid = k.target_oid and t.is_guarded
where k.is_exposed and cardinality(k.columns) = 1
