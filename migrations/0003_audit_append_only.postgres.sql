-- +goose Up
-- The audit trail takes new events and nothing else. Who may change the schema can drop this; the chain of hashes then tells.

-- +goose StatementBegin
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_keeps_events BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_loses_nothing BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

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
