-- What came back. Nothing here changes what is sent by itself, but that who bounced is left alone.

CREATE TABLE mail (            -- one that was read, so that it counts once; of one that is not about the event, no more
    id       INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE, -- a hash
    read_at  TEXT NOT NULL
);

CREATE TABLE mailbox (         -- how far a folder has been read
    account  TEXT NOT NULL,
    folder   TEXT NOT NULL,
    validity INTEGER NOT NULL, -- UIDVALIDITY
    uid      INTEGER NOT NULL, -- the highest that was read
    PRIMARY KEY (account, folder)
);

CREATE TABLE answer (          -- of one calendar, to one entry
    id           INTEGER PRIMARY KEY,
    mail         INTEGER NOT NULL REFERENCES mail (id),
    key          TEXT NOT NULL REFERENCES person (key), -- who was invited
    uid          TEXT NOT NULL,
    address      TEXT NOT NULL, -- for whom it answers
    sender       TEXT NOT NULL,
    response     TEXT NOT NULL
                 CHECK (response IN ('accepted', 'declined', 'tentative', 'delegated', 'countered')),
    sequence     INTEGER NOT NULL,
    stamp        TEXT NOT NULL, -- DTSTAMP
    at           TEXT NOT NULL,
    comment      TEXT NOT NULL,
    proposed     TEXT NOT NULL, -- JSON: start and end, or ''
    leaning      TEXT NOT NULL, -- what a counter-proposal says of the time as it is
    delegated_to TEXT NOT NULL,
    occurrence   TEXT NOT NULL, -- of a series, '' for all of it
    is_verified  INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    is_forwarded INTEGER NOT NULL CHECK (is_forwarded IN (0, 1)),
    accepted_at  TEXT,         -- the organiser's word that it is the person's all the same
    UNIQUE (key, uid, occurrence, address, sender, sequence, stamp, response)
);
CREATE INDEX answer_by_key ON answer (key, id);

CREATE TABLE bounce (
    id      INTEGER PRIMARY KEY,
    mail    INTEGER NOT NULL REFERENCES mail (id),
    key     TEXT NOT NULL REFERENCES person (key),
    message INTEGER NOT NULL REFERENCES message (id),
    address TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('failed', 'delayed')),
    reply   TEXT NOT NULL,
    at      TEXT NOT NULL,
    UNIQUE (message, kind)
);
CREATE INDEX bounce_by_key ON bounce (key, id);

CREATE TABLE request (         -- in words
    id         INTEGER PRIMARY KEY,
    mail       INTEGER NOT NULL REFERENCES mail (id),
    key        TEXT NOT NULL REFERENCES person (key),
    address    TEXT NOT NULL,
    sender     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('address', 'withdraw', 'other')),
    text       TEXT NOT NULL,
    suggested  TEXT,
    at         TEXT NOT NULL,
    settled_at TEXT            -- the organiser's word that it is dealt with
);
CREATE INDEX request_by_key ON request (key, id);
