-- +goose Up
-- Certificates of OpenVPN that were given up before their end, for the revocation list. Gateways do not need it: they look for the certificate's entry.
CREATE TABLE revoked_certificates (
    serial     TEXT PRIMARY KEY, -- hex
    authority  TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    not_after  BIGINT NOT NULL
);
CREATE INDEX revoked_certificates_authority ON revoked_certificates (authority, not_after);

-- +goose Down
SELECT 1;
