-- A tenant's settings are a record with a history, like every other: id 1, made with the first change.
CREATE TABLE tenant_settings (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "internal_client_id" BIGINT NOT NULL DEFAULT 0,
    "default_toplevel_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

INSERT INTO tenant_settings (tenant_id, id, rev, updated_at, "internal_client_id", "default_toplevel_id", doc)
SELECT t.tenant_id, 1, 0, 0,
    coalesce((SELECT CAST(s.value AS BIGINT) FROM setting s WHERE s.tenant_id = t.tenant_id
        AND s.name = 'internal_client_id' AND s.value <> 'null'), 0),
    coalesce((SELECT CAST(s.value AS BIGINT) FROM setting s WHERE s.tenant_id = t.tenant_id
        AND s.name = 'default_toplevel_id' AND s.value <> 'null'), 0),
    '{}'
FROM (SELECT DISTINCT tenant_id FROM setting) t;
