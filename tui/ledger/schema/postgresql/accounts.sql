-- What all events of a database share whether workers are used or not: what each account has spent of its daily quota.

CREATE SCHEMA invite_tui_accounts;
COMMENT ON SCHEMA invite_tui_accounts IS 'invite-tui accounts 1';

CREATE TABLE invite_tui_accounts.spent (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  TEXT COLLATE "C" NOT NULL, -- its name, which is the same on every machine
    messages BIGINT NOT NULL CHECK (messages >= 0),
    at       TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), -- the latest that any of them can have left
    before   BIGINT NOT NULL -- the number of the event's last attempt before them
);
CREATE INDEX spent_by_account ON invite_tui_accounts.spent (account, at);
