-- level: warning
-- supabase: 0023 sensitive_columns_exposed
-- what: A column with the name of a secret can be read through the data API
-- why: Secrets should not leave the database through the data API.
-- fix: move it to a schema that is not exposed, or grant select on the other columns only
select c.title, 'may be read by ' || string_agg(api_roles.name, ', ' order by api_roles.name)
from columns c
join api_roles on api_roles.oid <> 0 and has_column_privilege(api_roles.oid, c.table_oid, c.number, 'select')
where c.is_exposed and c.name ~* (
    '^((user|account|admin|hashed|encrypted)_)?(password|passwd|pwd|passphrase|password_(hash|digest|salt)|hashed_password'
    '|(client_|api_|app_|shared_|signing_|webhook_|totp_|otp_|mfa_)?secret(_key|_hash)?|(private|api|access|encryption|signing|secret)_?key'
    '|(api|access|refresh|auth|bearer|session|id|reset|reset_password|password_reset|confirmation|verification|invite|csrf)_?token(_hash)?'
    '|ssn|social_security(_number)?|(credit_)?card_number|credit_card|cvv|cvc|pin(_code)?|iban|bank_account(_number)?|routing_number'
    '|tax_id|passport(_number)?|drivers?_licen[cs]e(_number)?|recovery_codes?|backup_codes?|seed_phrase|mnemonic)$')
group by c.title
