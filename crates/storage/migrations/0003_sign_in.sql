-- Signing in by browser: codes that wait to be exchanged for tokens, and the grants that ended before
-- the access tokens that were given for them.

CREATE TABLE authorization_code (
    tenant_id BIGINT NOT NULL,
    code_hash TEXT NOT NULL,
    family TEXT NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    scope TEXT NOT NULL,
    nonce TEXT NOT NULL,
    agent_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, code_hash)
);
CREATE INDEX authorization_code_expiry ON authorization_code (expires_at);

CREATE TABLE ended_grant (
    tenant_id BIGINT NOT NULL,
    family TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, family)
);
CREATE INDEX ended_grant_until ON ended_grant (until_ms);

-- When the person typed the password; 0 for tokens from before this column.
ALTER TABLE refresh_token ADD COLUMN signed_in_at BIGINT NOT NULL DEFAULT 0;
