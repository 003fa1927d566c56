-- +goose Up
-- Providers that were entered in the web app; those of the configuration file have no row. version counts changes: a portal keeps what it has
-- learned of a provider only as long as the version is the same.
CREATE TABLE identity_providers (
    id            TEXT PRIMARY KEY,
    enabled       BOOLEAN NOT NULL,
    settings      TEXT NOT NULL, -- JSON
    client_secret TEXT NOT NULL, -- sealed; '' for a public client
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

-- A sign-in to try a provider's settings before they are saved. Both columns are sealed: settings with a client secret, claims of a person.
CREATE TABLE provider_tests (
    id         TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    draft      TEXT NOT NULL,
    result     TEXT NOT NULL, -- '' while the person is at the provider
    expires_at BIGINT NOT NULL
);
CREATE INDEX provider_tests_expiry ON provider_tests (expires_at);

-- What a sign-in on its way is for: 'sign_in'; 'link' an account to the person of session ref; 'test' ref.
ALTER TABLE login_flows ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sign_in';
ALTER TABLE login_flows ADD COLUMN ref TEXT NOT NULL DEFAULT '';

-- The provider's own words for the session, by which it says later that it has ended; the ID token is sealed.
ALTER TABLE sessions ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN idp_subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN idp_session TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN id_token TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_idp ON sessions (issuer, idp_subject);

-- What the provider calls "sub" where people are keyed by another claim.
ALTER TABLE identities ADD COLUMN idp_subject TEXT NOT NULL DEFAULT '';
UPDATE identities SET idp_subject = subject;
-- The claim that subject is from, so that no other claim is taken for it; '' until the first sign-in of an account that a directory made.
ALTER TABLE identities ADD COLUMN subject_claim TEXT NOT NULL DEFAULT '';
UPDATE identities SET subject_claim = 'sub' WHERE user_id IN (SELECT id FROM users WHERE last_sign_in > 0);
CREATE INDEX identities_idp ON identities (issuer, idp_subject);

-- Whether the tunnels of a profile end with the person's session at the provider.
ALTER TABLE profiles ADD COLUMN logout_ends_grants BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
SELECT 1;
