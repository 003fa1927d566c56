-- +goose Up
-- Resources carry tags; rules may name people and tags, and have conditions.
ALTER TABLE rules ADD COLUMN conditions TEXT NOT NULL DEFAULT '{}';

CREATE TABLE resource_tags (
    resource_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    tag         TEXT NOT NULL,
    PRIMARY KEY (tag, resource_id)
);
CREATE INDEX resource_tags_resource ON resource_tags (resource_id);

CREATE TABLE rule_tags (
    rule_id TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    tag     TEXT NOT NULL,
    PRIMARY KEY (tag, rule_id)
);
CREATE INDEX rule_tags_rule ON rule_tags (rule_id);

CREATE TABLE rule_people (
    rule_id TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, rule_id)
);
CREATE INDEX rule_people_rule ON rule_people (rule_id);

-- +goose Down
SELECT 1;
