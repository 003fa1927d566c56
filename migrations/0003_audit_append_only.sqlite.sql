-- +goose Up
-- The audit trail takes new events at its end and nothing else. Who may change the schema can drop this; the chain of hashes then tells.

-- +goose StatementBegin
CREATE TRIGGER audit_keeps_events BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE deletes without the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_grows_at_its_end BEFORE INSERT ON audit
WHEN NEW.seq <= (SELECT MAX(seq) FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
-- +goose StatementEnd

CREATE INDEX audit_at ON audit (at);

-- How far each receiver of the trail has got, and which portal sends to it now.
CREATE TABLE audit_sinks (
    name        TEXT PRIMARY KEY,
    seq         BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    owner       TEXT NOT NULL,
    owned_until BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
