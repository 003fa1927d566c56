-- +goose Up
-- Tokens of programs: nobody is behind them, a role and scopes say what they may.
CREATE TABLE service_tokens (
    id          TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    scopes      TEXT NOT NULL, -- rights with a space between
    made_by     TEXT NOT NULL, -- id of a person, who may be gone
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);

-- What a directory did last, for those who set it up.
ALTER TABLE scim_tokens ADD COLUMN wrote_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE scim_tokens ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE scim_tokens ADD COLUMN failure TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
