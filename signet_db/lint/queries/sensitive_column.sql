-- level: warning
-- supabase: 0023 sensitive_columns_exposed
-- what: A column with the name of a secret can be read through the data API
-- why: Secrets should not leave the database through the data API.
-- fix: move it to a schema that is not exposed, or grant select on the other columns only
select c.title, 'may be read by ' || string_agg(api_roles.name, ', ' order by api_roles.name)
from columns c
join api_roles on api_roles.oid <> 0 and has_column_privilege(api_roles.oid, c.table_oid, c.number, 'select')
where c.is_exposed and c.name ~* (
    '^(password|passwd|pwd|password_hash|secret|secret_key|private_key|api_key|access_token|refresh_token|ssn'
    '|social_security_number|credit_card|card_number|cvv|iban|tax_id|passport_number)$')
group by c.title
