-- Which clients have a key of another product. A row may be older than its client, whose document
-- is asked whether the key is still the same.
CREATE TABLE client_link (
    tenant_id BIGINT NOT NULL,
    field {text_key} NOT NULL,
    value {text_key} NOT NULL,
    client_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, field, value, client_id)
);
CREATE INDEX client_link_client ON client_link (tenant_id, client_id);
