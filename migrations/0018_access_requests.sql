-- +goose Up
-- People ask for a resource for a while; who may decide is named on the resource, else it is for those who may write rules.
ALTER TABLE resources ADD COLUMN requestable BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE resources ADD COLUMN approvers TEXT NOT NULL DEFAULT ''; -- a group's id

CREATE TABLE access_requests (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL, -- who asks; the row outlives the account, so that the rule is found
    resource_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    reason      TEXT NOT NULL,
    seconds     BIGINT NOT NULL,
    state       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    decided_by  TEXT NOT NULL DEFAULT '',
    decided_at  BIGINT NOT NULL DEFAULT 0,
    note        TEXT NOT NULL DEFAULT '',
    rule_id     TEXT NOT NULL DEFAULT '', -- while there is one
    until       BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX access_requests_open ON access_requests (user_id, resource_id) WHERE state = 'open';
CREATE INDEX access_requests_user ON access_requests (user_id);
CREATE INDEX access_requests_resource ON access_requests (resource_id);
CREATE INDEX access_requests_state ON access_requests (state, created_at);
CREATE INDEX access_requests_rule ON access_requests (rule_id);

CREATE INDEX devices_pending ON devices (id) WHERE state = 'pending';

-- +goose Down
SELECT 1;
