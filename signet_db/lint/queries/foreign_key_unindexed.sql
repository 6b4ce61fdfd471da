-- level: warning
-- supabase: 0001 unindexed_foreign_keys
-- what: A foreign key without an index
-- why: Each deletion of a row it refers to reads the whole table, and so does each join.
-- fix: create index on … (the columns of the key);
select title, 'no index begins with its columns'
from foreign_keys k
where not exists (
    select from pg_index i
    where i.indrelid = k.table_oid and i.indisvalid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.columns) - 1] @> k.columns)
