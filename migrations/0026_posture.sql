-- +goose Up
-- What is asked of devices. Rules are kept as they are written, in one spelling.
CREATE TABLE posture_checks (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    rule        TEXT NOT NULL,
    platforms   TEXT NOT NULL, -- JSON; [] for all that have the fact
    severity    TEXT NOT NULL,
    unknown     TEXT NOT NULL,
    grace       BIGINT NOT NULL, -- seconds
    report_only BOOLEAN NOT NULL,
    help        TEXT NOT NULL,
    changed_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX posture_checks_name ON posture_checks (name);

CREATE TABLE posture_exceptions (
    id         TEXT PRIMARY KEY,
    check_id   TEXT REFERENCES posture_checks (id) ON DELETE CASCADE, -- NULL: every check
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    device_id  TEXT REFERENCES devices (id) ON DELETE CASCADE,
    until      BIGINT NOT NULL,
    reason     TEXT NOT NULL,
    by_user    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX posture_exceptions_check ON posture_exceptions (check_id);
CREATE INDEX posture_exceptions_user ON posture_exceptions (user_id);
CREATE INDEX posture_exceptions_device ON posture_exceptions (device_id);

-- One row. Who judges reads it in its transaction, and who changes policy writes it, so neither misses the other.
CREATE TABLE posture_settings (
    id      BIGINT PRIMARY KEY,
    settle  BIGINT NOT NULL, -- seconds
    silence BIGINT NOT NULL, -- seconds
    version BIGINT NOT NULL
);
INSERT INTO posture_settings (id, settle, silence, version) VALUES (1, 86400, 3600, 0);

-- What is known of devices, as far as a check reads it.
CREATE TABLE device_facts (
    device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    source    TEXT NOT NULL,
    by_name   TEXT NOT NULL, -- of the token that told it
    name      TEXT NOT NULL,
    value     TEXT NOT NULL, -- JSON; null: unknown
    why       TEXT NOT NULL,
    at        BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    PRIMARY KEY (device_id, source, by_name, name)
);

-- The verdict. next_at: when it may be another one though nobody says anything; 0: never.
CREATE TABLE device_posture (
    device_id TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    effect    TEXT NOT NULL,
    would     TEXT NOT NULL,
    since     BIGINT NOT NULL,
    judged_at BIGINT NOT NULL,
    next_at   BIGINT NOT NULL
);
CREATE INDEX device_posture_next ON device_posture (next_at);
CREATE INDEX device_posture_effect ON device_posture (effect);

-- Checks that a device does not simply pass.
CREATE TABLE device_checks (
    device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    check_id  TEXT NOT NULL REFERENCES posture_checks (id) ON DELETE CASCADE,
    outcome   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    seen      TEXT NOT NULL,
    severity  TEXT NOT NULL, -- what it does now; '' for nothing
    since     BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    PRIMARY KEY (device_id, check_id)
);
CREATE INDEX device_checks_check ON device_checks (check_id, outcome, device_id);

-- The last verdicts of each device, the newest ones only.
CREATE TABLE device_posture_history (
    device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    at        BIGINT NOT NULL,
    effect    TEXT NOT NULL,
    failing   TEXT NOT NULL, -- JSON: names of the checks that do something
    PRIMARY KEY (device_id, at)
);

-- +goose Down
SELECT 1;
