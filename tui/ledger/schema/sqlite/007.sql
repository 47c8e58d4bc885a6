-- Runs that were handed over to workers: what each is made of, and its shares. In a file they stay empty: workers need a
-- ledger that they share; but a ledger is the same wherever it is, and can be copied from one to the other.

CREATE TABLE content (         -- files, each once
    digest TEXT PRIMARY KEY,   -- SHA-256
    bytes  BLOB NOT NULL
);

CREATE TABLE handover (        -- a run that workers carry out
    run     INTEGER PRIMARY KEY REFERENCES run (id),
    account TEXT NOT NULL,
    who     TEXT NOT NULL,
    place   TEXT NOT NULL,     -- the machine
    since   TEXT NOT NULL,
    state   TEXT NOT NULL
            CHECK (state IN ('going', 'canary', 'asking', 'paused', 'braked', 'stopped', 'done')),
    said    TEXT NOT NULL,     -- why it stands still
    made_of TEXT NOT NULL      -- JSON
);

-- One run at a time: who hands over a second one is told whose is open.
CREATE UNIQUE INDEX one_open_handover ON handover (state IS NULL) WHERE state NOT IN ('stopped', 'done');

CREATE TABLE share (           -- some messages of a run, for one worker at a time
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL REFERENCES handover (run),
    messages TEXT NOT NULL,    -- ranges of ids
    state    TEXT NOT NULL CHECK (state IN ('queued', 'waiting', 'done')),
    holder   TEXT,             -- the token of whoever has it in hand
    reserved INTEGER NOT NULL DEFAULT 0 -- of the account's daily quota
);
CREATE INDEX share_by_run ON share (run, id);

CREATE TABLE letter (          -- what cannot be seen from a message, nor from the person of now; while its run is open
    message INTEGER PRIMARY KEY REFERENCES message (id),
    name    TEXT NOT NULL,
    fields  TEXT NOT NULL,     -- JSON
    told    TEXT NOT NULL      -- JSON
);
