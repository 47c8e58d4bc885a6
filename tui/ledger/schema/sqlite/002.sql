-- What the organiser decided about single people, and entries of other programs, which everybody had under one UID.

ALTER TABLE run ADD COLUMN checks TEXT NOT NULL DEFAULT ''; -- what every message of the run was cleared by

CREATE TABLE correction (      -- of one person, against a list that still says otherwise
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL REFERENCES person (key),
    header   TEXT NOT NULL,    -- the column's, '' for the address
    before   TEXT NOT NULL,    -- what the list said: where it says something else again, the list is right
    after    TEXT NOT NULL,
    at       TEXT NOT NULL
);
CREATE INDEX correction_by_key ON correction (key, id);

CREATE TABLE cancellation (    -- asked for by name: later sends leave this person out
    key        TEXT NOT NULL REFERENCES person (key),
    session    TEXT NOT NULL,
    generation INTEGER NOT NULL, -- until they are invited anew
    at         TEXT NOT NULL,
    PRIMARY KEY (key, session, generation)
);

CREATE TABLE kept (            -- the messages themselves, where the event file says keep = true
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    message BLOB NOT NULL      -- deflated
);

CREATE TABLE promise (         -- a replacement is owed to this person until they have one
    key TEXT PRIMARY KEY,
    at  TEXT NOT NULL
);

CREATE TABLE dead_link (       -- of a meeting that was cancelled: no new message may have it
    link TEXT PRIMARY KEY
);

-- A version is one person's: (key, uid, sequence, round), where it was (uid, sequence, round).
DROP TRIGGER message_stays;
DROP TRIGGER message_begins;
DROP TRIGGER message_is_one_version;
DROP TRIGGER message_has_the_outcome_of_its_last_attempt;
DROP TRIGGER attempt_is_due;
DROP TRIGGER message_follows_its_attempt;
DROP TRIGGER message_follows_its_settlement;

CREATE TABLE message_of_one_person (
    id         INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL REFERENCES run (id),
    key        TEXT NOT NULL REFERENCES person (key),
    address    TEXT NOT NULL,
    action     TEXT NOT NULL CHECK (action IN ('invite', 'update', 'cancel')),
    uid        TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    round      INTEGER NOT NULL,
    line       INTEGER,
    facts      TEXT NOT NULL,  -- JSON
    message_id TEXT NOT NULL,
    stamp      TEXT NOT NULL,
    digest     TEXT NOT NULL,
    outcome    TEXT NOT NULL DEFAULT 'unsent'
               CHECK (outcome IN ('unsent', 'sending', 'accepted', 'refused', 'deferred', 'unknown')),
    reply      TEXT NOT NULL DEFAULT '',
    attempts   INTEGER NOT NULL DEFAULT 0,
    settled_at TEXT,
    UNIQUE (key, uid, sequence, round)
);
INSERT INTO message_of_one_person
    SELECT id, run, key, address, action, uid, sequence, generation, round, line, facts, message_id, stamp, digest,
           outcome, reply, attempts, settled_at FROM message;
DROP TABLE message;
ALTER TABLE message_of_one_person RENAME TO message;
CREATE INDEX message_by_key ON message (key, id);

CREATE TRIGGER message_stays BEFORE DELETE ON message BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

CREATE TRIGGER message_begins BEFORE INSERT ON message
WHEN NEW.outcome <> 'unsent' OR NEW.attempts <> 0 BEGIN
    SELECT RAISE(ABORT, 'a message begins as unsent');
END;

CREATE TRIGGER message_is_one_version BEFORE UPDATE OF id, key, uid, sequence, generation, round ON message BEGIN
    SELECT RAISE(ABORT, 'a message is one version to one person');
END;

CREATE TRIGGER message_has_the_outcome_of_its_last_attempt BEFORE UPDATE OF outcome ON message
WHEN NEW.outcome IS NOT (SELECT outcome FROM attempt WHERE message = OLD.id ORDER BY id DESC LIMIT 1) BEGIN
    SELECT RAISE(ABORT, 'the outcome is that of the last attempt');
END;

CREATE TRIGGER attempt_is_due BEFORE INSERT ON attempt
WHEN (SELECT outcome FROM message WHERE id = NEW.message) NOT IN ('unsent', 'deferred') BEGIN
    SELECT RAISE(ABORT, 'this message is not to be sent again');
END;

CREATE TRIGGER message_follows_its_attempt AFTER INSERT ON attempt BEGIN
    UPDATE message SET outcome = NEW.outcome, attempts = attempts + 1, digest = NEW.digest, settled_at = NULL
    WHERE id = NEW.message;
END;

CREATE TRIGGER message_follows_its_settlement AFTER UPDATE OF outcome ON attempt BEGIN
    UPDATE message SET outcome = NEW.outcome, reply = NEW.reply, settled_at = NEW.settled_at
    WHERE id = NEW.message;
END;
