-- +goose Up
-- Who is held at a level lower than the grant gives. until: 0 for as long as nobody lifts it.
CREATE TABLE level_holds (
    source     TEXT NOT NULL,
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    device_id  TEXT REFERENCES devices (id) ON DELETE CASCADE,
    level      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    until      BIGINT NOT NULL,
    by_user    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX level_holds_user ON level_holds (user_id, source);
CREATE UNIQUE INDEX level_holds_device ON level_holds (device_id, source);
CREATE INDEX level_holds_until ON level_holds (until);

-- When the person last showed a second factor for the grant, for rules that ask for a young one.
ALTER TABLE grants ADD COLUMN factor_at BIGINT NOT NULL DEFAULT 0;

-- Where the gateway's country file places a client.
ALTER TABLE device_live ADD COLUMN country TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
