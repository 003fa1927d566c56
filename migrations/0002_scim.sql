-- +goose Up
-- SCIM 2.0 (RFC 7643, 7644): what directories said of people and groups, beside the rows that the rest of the portal uses.

CREATE TABLE scim_tokens (
    id          TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    issuer      TEXT NOT NULL, -- of the identities that the directory's people have
    subject     TEXT NOT NULL, -- the attribute that is the identity's subject: 'externalId' or 'userName'
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);

CREATE TABLE scim_users (
    issuer      TEXT NOT NULL,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name_key    TEXT NOT NULL, -- userName in lower case
    external_id TEXT NOT NULL,
    subject     TEXT NOT NULL, -- of the identity that the directory gave, '' for none
    active      BOOLEAN NOT NULL,
    cut         BOOLEAN NOT NULL, -- the directory suspended the person, and may undo it
    doc         TEXT NOT NULL, -- JSON: what the directory said
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    deleted_at  BIGINT NOT NULL, -- 0: shown
    PRIMARY KEY (issuer, user_id)
);
CREATE UNIQUE INDEX scim_users_name ON scim_users (issuer, name_key) WHERE deleted_at = 0;
CREATE INDEX scim_users_external ON scim_users (issuer, external_id);
CREATE INDEX scim_users_user ON scim_users (user_id);

CREATE TABLE scim_groups (
    group_id    TEXT PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    issuer      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    made        BOOLEAN NOT NULL, -- the directory made the group; others were there before and stay
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL
);
CREATE INDEX scim_groups_issuer ON scim_groups (issuer, group_id);
CREATE INDEX scim_groups_external ON scim_groups (issuer, external_id);

-- +goose Down
SELECT 1;
