-- The change feed. On SQLite, where one writer numbers the changes, `seq` is their order. On
-- PostgreSQL `moment`, in microseconds, orders the changes of one record, and `feed_position` is
-- given to a change after its commit: 0 until then.
ALTER TABLE change ADD COLUMN moment BIGINT NOT NULL DEFAULT 0;
ALTER TABLE change ADD COLUMN feed_position BIGINT NOT NULL DEFAULT 0;
UPDATE change SET moment = at * 1000;
-- The request asked for no webhook.
ALTER TABLE change ADD COLUMN quiet BIGINT NOT NULL DEFAULT 0;

-- PostgreSQL: the last position that was given. Both: changes up to `floor` may have expired.
CREATE TABLE feed (
    tenant_id BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    floor BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);
