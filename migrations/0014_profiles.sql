-- +goose Up
-- Profiles name hosts that clients route, end idle grants and may ask for approval; a device remembers what its file was made from.
ALTER TABLE profiles ADD COLUMN names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE profiles ADD COLUMN match_domains TEXT NOT NULL DEFAULT '[]';
ALTER TABLE profiles ADD COLUMN idle BIGINT NOT NULL DEFAULT 0; -- seconds; 0: never
ALTER TABLE profiles ADD COLUMN approval BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE devices ADD COLUMN file TEXT NOT NULL DEFAULT ''; -- portal.FileFacts; '' for not known

-- What the names of profiles stood for, and when an address was last among the answers.
CREATE TABLE name_answers (
    name    TEXT NOT NULL,
    addr    TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (name, addr)
);

-- +goose Down
SELECT 1;
