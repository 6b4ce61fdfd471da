-- level: error
-- what: A policy looks for the person anywhere in a text
-- why: A path of somebody else that merely contains the id matches too.
-- fix: compare the first part:  (storage.foldername(name))[1] = (select auth.uid()::text)
select title, 'a pattern that begins with %% contains auth.uid()'
from policies
where expressions ~ '(~~\*?|~\*?|strpos\(|position\().{0,12}''%%.{0,60}auth\.(uid|email)\(\)'
    or expressions ~* '(strpos|position)\(.{0,60}auth\.(uid|email)\(\)'
