-- Files are kept as text in parts: base64, so that one statement, one backup and one column type
-- serve both databases, and a reply can be sent piece by piece.

ALTER TABLE attachment ADD COLUMN "client_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "ticket_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "action_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "user_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "agent_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "type" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "unique_id" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN "linked_version_id" BIGINT NOT NULL DEFAULT 0;
CREATE INDEX attachment_client ON attachment (tenant_id, client_id);
CREATE INDEX attachment_ticket ON attachment (tenant_id, ticket_id);
CREATE INDEX attachment_user ON attachment (tenant_id, user_id);
CREATE INDEX attachment_version ON attachment (tenant_id, linked_version_id);

-- One stored content. It stays for as long as history can bring its record back.
CREATE TABLE attachment_file (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    -- When no record had it any more, in milliseconds since 1970; 0 = one has.
    released_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE attachment_part (
    tenant_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    -- From 0.
    part BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (tenant_id, file_id, part)
);

CREATE TABLE item_stock (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "item_id" BIGINT NOT NULL DEFAULT 0,
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "stockbin_id" BIGINT NOT NULL DEFAULT 0,
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX item_stock_place ON item_stock (tenant_id, item_id, site_id, stockbin_id);
CREATE INDEX item_stock_site ON item_stock (tenant_id, site_id);
CREATE INDEX item_stock_bin ON item_stock (tenant_id, stockbin_id);
