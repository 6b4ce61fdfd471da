-- What the local Auth service keeps beside the hosted tables: settings, the mailbox, guesses at codes.

set role supabase_auth_admin;

-- Only what was changed; the defaults are in signet_stack/auth_settings.py.
create table signet_stack.auth_settings (
    name text primary key,
    value jsonb not null,
    updated_at timestamptz not null
);

create table signet_stack.mails (
    id uuid primary key default gen_random_uuid(),
    sent_at timestamptz not null,
    recipient text not null,
    kind text not null,
    subject text not null,
    body_text text not null,
    body_html text not null,
    link text not null,
    code text not null,
    token_hash text not null
);
create index mails_sent_at_idx on signet_stack.mails (sent_at desc, id);
create index mails_recipient_idx on signet_stack.mails (recipient, sent_at desc);

-- Wrong guesses at the code of a one-time token; they go with it.
create table signet_stack.code_guesses (
    token_id uuid primary key references auth.one_time_tokens on delete cascade,
    wrong integer not null
);

reset role;
