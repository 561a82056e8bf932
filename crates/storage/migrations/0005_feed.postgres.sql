DROP INDEX change_record;
CREATE INDEX change_record ON change (tenant_id, entity, record_id, moment);
CREATE UNIQUE INDEX change_feed ON change (tenant_id, feed_position) WHERE feed_position > 0;
CREATE INDEX change_unplaced ON change (tenant_id, moment, seq) WHERE feed_position = 0;
