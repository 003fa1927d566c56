-- +goose Up
-- Ids are UUIDv7 text. Times are microseconds since 1970 UTC, 0 for never. Lists are JSON text. Sealed columns are ciphertext in base64.

-- One row each, locked by the transaction that moves it: 'revision' (feed), 'floor' (feed log trimmed up to), 'audit' (last sequence number).
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('revision', 0), ('floor', 0), ('audit', 0);

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    email        TEXT NOT NULL,
    role         TEXT NOT NULL,
    role_source  TEXT NOT NULL DEFAULT 'local', -- 'claim': a provider's claim gave the role and may take it; 'local': a person or the configuration did
    state        TEXT NOT NULL,
    locale       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_sign_in BIGINT NOT NULL
);

CREATE TABLE identities (
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE groups (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
INSERT INTO groups (id, name, created_at) VALUES ('everyone', 'Everyone', 0); -- all active people, without memberships

CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id, source)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    factor_at   BIGINT NOT NULL,
    provider    TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    addr        TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- A sign-in on its way to the provider and back. The browser holds the secret whose hash is the key; state, nonce and PKCE verifier are
-- derived from it, so that nothing here helps a reader of the table.
CREATE TABLE login_flows (
    id_hash    TEXT PRIMARY KEY,
    provider   TEXT NOT NULL,
    return_to  TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_flows_expiry ON login_flows (expires_at);

CREATE TABLE factors (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    sealed       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL
);
CREATE INDEX factors_user ON factors (user_id);

CREATE TABLE recovery_codes (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- What may happen once only: the row is the use. A second insert fails, also from another replica.
CREATE TABLE onetime (
    kind       TEXT NOT NULL,
    key        TEXT NOT NULL,
    used_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX onetime_expiry ON onetime (expires_at);

-- Counters of wrong guesses, shared by all replicas.
CREATE TABLE attempts (
    kind         TEXT NOT NULL,
    key          TEXT NOT NULL,
    count        BIGINT NOT NULL,
    window_ends  BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX attempts_window ON attempts (window_ends);

CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);
CREATE INDEX tokens_user ON tokens (user_id);

-- next_n is the lowest number that was never given. The row is locked while an address is allocated.
CREATE TABLE pools (
    id     TEXT PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    v4     TEXT NOT NULL,
    v6     TEXT NOT NULL,
    next_n BIGINT NOT NULL
);

CREATE TABLE free_addresses (
    pool_id TEXT NOT NULL REFERENCES pools (id),
    n       BIGINT NOT NULL,
    PRIMARY KEY (pool_id, n)
);

CREATE TABLE pops (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    country    TEXT NOT NULL,
    latitude   DOUBLE PRECISION NOT NULL,
    longitude  DOUBLE PRECISION NOT NULL,
    networks   TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE profiles (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    mode        TEXT NOT NULL,
    included    TEXT NOT NULL,
    excluded    TEXT NOT NULL,
    dns         TEXT NOT NULL,
    search      TEXT NOT NULL,
    mtu         BIGINT NOT NULL,
    keepalive   BIGINT NOT NULL, -- seconds
    session     BIGINT NOT NULL, -- seconds
    max_devices BIGINT NOT NULL,
    protocols   TEXT NOT NULL,
    pool_id     TEXT NOT NULL REFERENCES pools (id),
    group_ids   TEXT NOT NULL,
    pop_ids     TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE devices (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    name       TEXT NOT NULL,
    platform   TEXT NOT NULL,
    protocol   TEXT NOT NULL,
    profile_id TEXT NOT NULL REFERENCES profiles (id),
    pop_id     TEXT NOT NULL,
    public_key TEXT NOT NULL UNIQUE,
    pool_id    TEXT NOT NULL REFERENCES pools (id),
    addr_n     BIGINT NOT NULL,
    state      TEXT NOT NULL,
    sig        TEXT NOT NULL, -- signature of its entry in the feed log, '' while it has none
    created_at BIGINT NOT NULL,
    key_at     BIGINT NOT NULL,
    UNIQUE (pool_id, addr_n),
    UNIQUE (user_id, name)
);
CREATE INDEX devices_profile ON devices (profile_id, user_id);
CREATE INDEX devices_sig ON devices (sig);

CREATE TABLE grants (
    device_id TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    level     TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    renew_at  BIGINT NOT NULL
);

CREATE TABLE gateways (
    id           TEXT PRIMARY KEY,
    pop_id       TEXT NOT NULL REFERENCES pops (id),
    name         TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL,
    host         TEXT NOT NULL,
    port         BIGINT NOT NULL,
    public_key   TEXT NOT NULL,
    cert_serial  TEXT NOT NULL,
    cert_ends    BIGINT NOT NULL,
    stream_epoch BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    enrolled_at  BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    version      TEXT NOT NULL,
    applied      BIGINT NOT NULL,
    hash         TEXT NOT NULL,
    problem      TEXT NOT NULL,
    apply_for    BIGINT NOT NULL -- microseconds from receipt to applied, last report
);
CREATE INDEX gateways_pop ON gateways (pop_id);
CREATE INDEX gateways_key ON gateways (public_key);

CREATE TABLE enrol_tokens (
    secret_hash TEXT PRIMARY KEY,
    gateway_id  TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX enrol_tokens_gateway ON enrol_tokens (gateway_id);

CREATE TABLE device_live (
    device_id  TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    endpoint   TEXT NOT NULL,
    handshake  BIGINT NOT NULL,
    rx         BIGINT NOT NULL,
    tx         BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (device_id, gateway_id)
);
CREATE INDEX device_live_handshake ON device_live (handshake);

CREATE TABLE resources (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    prefixes   TEXT NOT NULL,
    transport  TEXT NOT NULL,
    ports      TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE rules (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    reason     TEXT NOT NULL,
    action     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE rule_groups (
    rule_id  TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups (id),
    PRIMARY KEY (group_id, rule_id)
);
CREATE INDEX rule_groups_rule ON rule_groups (rule_id);

CREATE TABLE rule_resources (
    rule_id     TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    resource_id TEXT NOT NULL REFERENCES resources (id),
    PRIMARY KEY (resource_id, rule_id)
);
CREATE INDEX rule_resources_rule ON rule_resources (rule_id);

-- What gateways follow: one row for each object, the newest only, so that catching up costs what differs. A gone object stays as a
-- tombstone until it is trimmed; then counters.floor rises and whoever is behind it gets a snapshot.
CREATE TABLE feed_log (
    key   TEXT PRIMARY KEY, -- entry/PROFILE/DEVICE, sig/ID, rule/ID, profile/ID, pop/ID, gateway/ID
    rev   BIGINT NOT NULL UNIQUE,
    gone  BOOLEAN NOT NULL,
    value TEXT NOT NULL,
    at    BIGINT NOT NULL
);

CREATE TABLE audit (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    addr       TEXT NOT NULL,
    request_id TEXT NOT NULL,
    prev       TEXT NOT NULL,
    hash       TEXT NOT NULL
);
CREATE INDEX audit_target ON audit (target);
CREATE INDEX audit_actor ON audit (actor);

-- Keys that the portal makes for itself (gateway CA and the like), sealed.
CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
