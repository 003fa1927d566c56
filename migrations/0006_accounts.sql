-- +goose Up
-- What a token is limited to: rights with a space between, or '*' for all that its person may do.
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '*';

-- +goose Down
SELECT 1;
