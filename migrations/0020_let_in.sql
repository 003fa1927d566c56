-- +goose Up
-- How often a device was let in again: gateways let an idle device in when it rises, and for nothing else.
ALTER TABLE grants ADD COLUMN let_in BIGINT NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
