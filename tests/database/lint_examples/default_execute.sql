-- bad: postgres
alter default privileges grant execute on functions to public;
-- good
alter default privileges revoke execute on functions from public;
