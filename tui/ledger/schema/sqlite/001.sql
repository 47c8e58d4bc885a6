-- The ledger. Guarantees are constraints here, not checks in the program.

CREATE TABLE fact (            -- about the ledger itself: which event it belongs to
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    command    TEXT NOT NULL,
    account    TEXT NOT NULL,
    digest     TEXT NOT NULL,
    started_at TEXT NOT NULL
);

CREATE TABLE person (          -- as last planned; columns marked internal are never stored
    key     TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    name    TEXT NOT NULL,
    grouped TEXT NOT NULL,
    fields  TEXT NOT NULL      -- JSON: header -> cell
);

CREATE TABLE message (         -- one version to one person
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
    UNIQUE (uid, sequence, round)
);
CREATE INDEX message_by_key ON message (key, id);

CREATE TABLE attempt (         -- one try at the server
    id         INTEGER PRIMARY KEY,
    message    INTEGER NOT NULL REFERENCES message (id),
    digest     TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('unsent', 'sending', 'accepted', 'refused', 'deferred', 'unknown')),
    reply      TEXT NOT NULL DEFAULT '',
    started_at TEXT NOT NULL,
    settled_at TEXT
);

-- At most once: while a try is under way, or has arrived, or may have, there is no second one.
CREATE UNIQUE INDEX one_live_attempt ON attempt (message) WHERE outcome IN ('sending', 'accepted', 'unknown');

CREATE INDEX attempt_by_message ON attempt (message, id);

CREATE TRIGGER attempt_begins BEFORE INSERT ON attempt
WHEN NEW.outcome <> 'sending' BEGIN
    SELECT RAISE(ABORT, 'an attempt begins as sending');
END;

CREATE TRIGGER attempt_is_due BEFORE INSERT ON attempt
WHEN (SELECT outcome FROM message WHERE id = NEW.message) NOT IN ('unsent', 'deferred') BEGIN
    SELECT RAISE(ABORT, 'this message is not to be sent again');
END;

CREATE TRIGGER attempt_settles_once BEFORE UPDATE ON attempt
WHEN OLD.outcome <> 'sending' OR NEW.outcome = 'sending' OR NEW.id <> OLD.id OR NEW.message <> OLD.message
    OR NEW.digest <> OLD.digest OR NEW.started_at <> OLD.started_at BEGIN
    SELECT RAISE(ABORT, 'an attempt is settled once');
END;

CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

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

CREATE TRIGGER message_follows_its_attempt AFTER INSERT ON attempt BEGIN
    UPDATE message SET outcome = NEW.outcome, attempts = attempts + 1, digest = NEW.digest, settled_at = NULL
    WHERE id = NEW.message;
END;

CREATE TRIGGER message_follows_its_settlement AFTER UPDATE OF outcome ON attempt BEGIN
    UPDATE message SET outcome = NEW.outcome, reply = NEW.reply, settled_at = NEW.settled_at
    WHERE id = NEW.message;
END;
