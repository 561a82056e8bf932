-- Documents of users written by the first development versions have the password that was posted, beside
-- its hash in `credential`. It goes, from the history too. The text stays in its order: a quote inside of
-- a value has a backslash before it, so that the pattern finds the member alone.
UPDATE end_user SET doc = regexp_replace(regexp_replace(doc, ',"password":"(\\.|[^"\\])*"', ''),
    '"password":"(\\.|[^"\\])*",?', '') WHERE doc LIKE '%"password":%';
UPDATE change SET before_doc = regexp_replace(regexp_replace(before_doc, ',"password":"(\\.|[^"\\])*"', ''),
    '"password":"(\\.|[^"\\])*",?', '') WHERE entity = 'User' AND before_doc LIKE '%"password":%';
