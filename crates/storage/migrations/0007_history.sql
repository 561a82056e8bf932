-- What undoing needs beyond the document before, and what the history is searched by.

-- The changes that one record of a request brought about share the number of the first of them.
ALTER TABLE change ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;
-- '' for a plain write, `merge` or `restore` for one that hangs together.
ALTER TABLE change ADD COLUMN action TEXT NOT NULL DEFAULT '';
-- The change that was undone; 0 for every other write.
ALTER TABLE change ADD COLUMN restores BIGINT NOT NULL DEFAULT 0;
-- The names of the changed fields, each between commas.
ALTER TABLE change ADD COLUMN fields TEXT NOT NULL DEFAULT '';
-- The record's number and time of writing before the change.
ALTER TABLE change ADD COLUMN before_rev BIGINT NOT NULL DEFAULT 0;
ALTER TABLE change ADD COLUMN before_at BIGINT NOT NULL DEFAULT 0;
-- What was beside the document before (who had read a popup, with what a user signed in), as JSON;
-- NULL when the change left it alone.
ALTER TABLE change ADD COLUMN before_more TEXT;

DROP INDEX change_request;
CREATE INDEX change_request ON change (tenant_id, request_id, batch);
CREATE INDEX change_client ON change (tenant_id, client_id, seq);

-- Up to when a tenant's changes were forgotten, in milliseconds since 1970.
CREATE TABLE history_kept (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    kept_from BIGINT NOT NULL
);
