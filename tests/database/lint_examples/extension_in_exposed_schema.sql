-- bad: pg_trgm
create extension pg_trgm schema public;
-- good
create extension pg_trgm schema extensions;
