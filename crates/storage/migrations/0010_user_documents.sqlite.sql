-- Documents of users written by the first development versions have the password that was posted, beside
-- its hash in `credential`. It goes, from the history too.
UPDATE end_user SET doc = json_remove(doc, '$.password') WHERE doc LIKE '%"password":%';
UPDATE change SET before_doc = json_remove(before_doc, '$.password')
WHERE entity = 'User' AND before_doc LIKE '%"password":%';
