-- Followers ask for what transactions wrote that they could not see before. On SQLite the change
-- numbers, which are the primary key, tell the same.
CREATE INDEX change_commit ON change (tenant_id, commit_order, seq);
