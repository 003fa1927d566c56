-- +goose Up
-- The authorities of OpenVPN: at most one signs; others are trusted until devices have moved on. Keys are sealed, in secrets.
CREATE TABLE openvpn_authorities (
    id         TEXT PRIMARY KEY,
    state      TEXT NOT NULL, -- requested, signing or trusted
    chain      TEXT NOT NULL, -- PEM: the certificate of the key, then what leads to the root; '' while requested
    root       TEXT NOT NULL, -- PEM; '' while requested
    request    TEXT NOT NULL, -- PEM, PKCS #10, for a root elsewhere; '' for a root of our own
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX openvpn_authorities_signing ON openvpn_authorities (state) WHERE state <> 'trusted';

-- The certificate that a device has now. devices.public_key is 'x509:' and its fingerprint.
CREATE TABLE device_certificates (
    device_id   TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    serial      TEXT NOT NULL UNIQUE, -- hex
    authority   TEXT NOT NULL,
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    certificate TEXT NOT NULL -- PEM
);
CREATE INDEX device_certificates_authority ON device_certificates (authority);

-- Where a gateway serves OpenVPN; 0: not.
ALTER TABLE gateways ADD COLUMN openvpn_udp BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gateways ADD COLUMN openvpn_tcp BIGINT NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
