-- +goose Up
ALTER TABLE factors ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE factors ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;

-- What a passkey is beside its row in factors. Bytes are base64url without padding; the public key is a COSE key.
CREATE TABLE passkeys (
    factor_id       TEXT PRIMARY KEY REFERENCES factors (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id   TEXT NOT NULL UNIQUE,
    public_key      TEXT NOT NULL,
    aaguid          TEXT NOT NULL,
    transports      TEXT NOT NULL,
    sign_count      BIGINT NOT NULL,
    user_verified   BOOLEAN NOT NULL,
    backup_eligible BOOLEAN NOT NULL,
    backed_up       BOOLEAN NOT NULL
);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- Challenges that passkeys have yet to sign. Who takes the row away has used it; nobody else can.
CREATE TABLE passkey_challenges (
    id_hash    TEXT PRIMARY KEY,
    purpose    TEXT NOT NULL, -- 'enrol', 'verify' or 'sign_in'
    user_id    TEXT NOT NULL, -- '' before anybody is known
    session_id TEXT NOT NULL,
    state      TEXT NOT NULL, -- JSON
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_challenges_expiry ON passkey_challenges (expires_at);

-- With what the second factor was last shown in a session; '' when it was not.
ALTER TABLE sessions ADD COLUMN factor_kind TEXT NOT NULL DEFAULT '';
UPDATE sessions SET factor_kind = 'totp' WHERE factor_at <> 0;

-- grace_from: when the time to set up a second factor began, at the first sign-in; 1 after a reset by an admin, which gives none.
-- vouched_at: when a provider last said who this is. Signing in with a passkey alone does not change it.
ALTER TABLE users ADD COLUMN grace_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN vouched_at BIGINT NOT NULL DEFAULT 0;
UPDATE users SET grace_from = created_at, vouched_at = last_sign_in WHERE last_sign_in <> 0;

-- What a group asks of its members. The strictest of a person's groups holds.
CREATE TABLE factor_policies (
    group_id      TEXT PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    required      BOOLEAN NOT NULL,
    totp          BOOLEAN NOT NULL, -- accepted beside passkeys
    recovery      BOOLEAN NOT NULL, -- accepted beside passkeys
    grace_days    BIGINT NOT NULL,
    passkey_days  BIGINT NOT NULL, -- how long after a provider's word a passkey alone signs in; 0 for never
    changed_at    BIGINT NOT NULL
);

-- Accounts for when no provider answers.
CREATE TABLE local_accounts (
    user_id     TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    username    TEXT NOT NULL UNIQUE,
    password    TEXT NOT NULL, -- argon2id in PHC form, '' while none is set
    password_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
