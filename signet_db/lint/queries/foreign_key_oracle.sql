-- level: info
-- what: A foreign key to a guarded table reveals whether a hidden row exists
-- why: Its check bypasses policies: a refusal means that there is no such row. Random ids (uuid) suffice.
-- fix: refer to (id, user_id) where the owner must be the same
select k.title, format('refers to %%s by one column', t.title)
from foreign_keys k
join tables t on t.oid = k.target_oid and t.is_guarded
where k.is_exposed and cardinality(k.columns) = 1
