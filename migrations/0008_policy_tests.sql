-- +goose Up
-- What must and must not be reachable, whatever else changes. spec is JSON: who, what, and what is expected.
CREATE TABLE policy_tests (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    reason     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A token with policy = 1 was made, with a fresh second factor, so that a program may apply policy files.
ALTER TABLE tokens ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
