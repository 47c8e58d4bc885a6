-- Two people: who proposed a plan, and who sent it. Names of organisers, never of people invited.

CREATE TABLE proposal (        -- a plan that somebody wants another to look at
    id       INTEGER PRIMARY KEY,
    digest   TEXT NOT NULL,
    command  TEXT NOT NULL,
    messages INTEGER NOT NULL,
    name     TEXT NOT NULL CHECK (name <> ''),
    at       TEXT NOT NULL,
    UNIQUE (digest, name)
);

CREATE TRIGGER proposal_stays BEFORE DELETE ON proposal BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

CREATE TRIGGER proposal_is_made_once BEFORE UPDATE ON proposal BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

ALTER TABLE run ADD COLUMN confirmed_by TEXT NOT NULL DEFAULT '';     -- '': a run of an earlier version
ALTER TABLE run ADD COLUMN proposed_by TEXT NOT NULL DEFAULT ''; -- '': nobody else has looked at it
