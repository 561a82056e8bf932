CREATE TABLE webhook (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "enabled" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- How far an enabled webhook has followed the change feed. Position -1: it begins behind the change
-- `start_seq`, with which it was enabled.
CREATE TABLE webhook_cursor (
    tenant_id BIGINT NOT NULL,
    webhook_id BIGINT NOT NULL,
    start_seq BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, webhook_id)
);

-- What is to be sent, and what became of it: state pending, delivered or parked.
CREATE TABLE webhook_delivery (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    webhook_id BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    record_id BIGINT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    response_code BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    error TEXT NOT NULL,
    replay_of BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX webhook_delivery_log ON webhook_delivery (tenant_id, webhook_id, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant_id, webhook_id, next_at)
    WHERE state = 'pending';
CREATE INDEX webhook_delivery_record ON webhook_delivery (tenant_id, webhook_id, entity, record_id, id)
    WHERE state = 'pending';

-- Which of several servers does a kind of work, and until when without asking again.
CREATE TABLE lease (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
