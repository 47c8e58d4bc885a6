-- What became of a message is what became of its last attempt, and is put down nowhere else: a commit is as few bytes as
-- there are new facts. What everybody is told of one version of the event is there once.

DROP TRIGGER message_stays;
DROP TRIGGER message_begins;
DROP TRIGGER message_is_to_somebody;
DROP TRIGGER message_is_one_version;
DROP TRIGGER message_has_the_outcome_of_its_last_attempt;
DROP TRIGGER message_follows_its_attempt;
DROP TRIGGER message_follows_its_settlement;
DROP TRIGGER attempt_is_due;
DROP TRIGGER attempt_is_at_somebody;
DROP TRIGGER attempt_settles_once;

CREATE TABLE told (            -- what a message says of the event; of most messages of a run the same
    id    INTEGER PRIMARY KEY,
    facts TEXT NOT NULL        -- JSON
);
INSERT INTO told (facts) SELECT DISTINCT facts FROM message;
CREATE INDEX told_by_facts ON told (facts);

ALTER TABLE message RENAME TO version; -- what refers to it follows
CREATE TABLE version_once (    -- one version to one person
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
    told       INTEGER NOT NULL REFERENCES told (id),
    message_id TEXT NOT NULL,
    stamp      TEXT NOT NULL,
    digest     TEXT NOT NULL,
    UNIQUE (key, uid, sequence, round)
);
INSERT INTO version_once
    SELECT id, run, key, address, action, uid, sequence, generation, round, line,
           (SELECT id FROM told WHERE told.facts = version.facts), message_id, stamp, digest FROM version ORDER BY id;
DROP TABLE version;
ALTER TABLE version_once RENAME TO version;
DROP INDEX told_by_facts;

-- At most once: while a try is under way, or has arrived, or may have, or was refused for good, there is no second one.
DROP INDEX one_live_attempt;
CREATE UNIQUE INDEX one_live_attempt ON attempt (message)
WHERE outcome IN ('sending', 'accepted', 'unknown', 'refused');

CREATE VIEW message AS         -- each version, and how it stands
    SELECT v.id, v.run, v.key, v.address, v.action, v.uid, v.sequence, v.generation, v.round, v.line,
           (SELECT facts FROM told WHERE id = v.told) AS facts, v.message_id, v.stamp, v.digest,
           coalesce(a.outcome, 'unsent') AS outcome, coalesce(a.reply, '') AS reply,
           (SELECT count(*) FROM attempt WHERE message = v.id) AS attempts, a.settled_at
    FROM version v LEFT JOIN attempt a ON a.id = (SELECT max(id) FROM attempt WHERE message = v.id);

CREATE TRIGGER version_stays BEFORE DELETE ON version BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

CREATE TRIGGER version_is_to_somebody BEFORE INSERT ON version
WHEN NEW.key IN (SELECT key FROM forgotten) BEGIN
    SELECT RAISE(ABORT, 'whoever it was for is forgotten');
END;

-- The only ways past the two that keep history: once, to a person who is being forgotten; and there only to say less.
CREATE TRIGGER version_is_one_persons BEFORE UPDATE OF id, key, uid, sequence, generation, round ON version
WHEN NOT (
    OLD.key NOT IN (SELECT key FROM forgotten) AND NEW.key IN (SELECT key FROM forgotten) AND NEW.id = OLD.id
    AND NEW.sequence = OLD.sequence AND NEW.generation = OLD.generation AND NEW.round = OLD.round
) BEGIN
    SELECT RAISE(ABORT, 'a message is one version to one person');
END;

CREATE TRIGGER attempt_is_at_somebody BEFORE INSERT ON attempt
WHEN (SELECT key FROM version WHERE id = NEW.message) IN (SELECT key FROM forgotten) BEGIN
    SELECT RAISE(ABORT, 'whoever it was for is forgotten');
END;

CREATE TRIGGER attempt_settles_once BEFORE UPDATE ON attempt
WHEN (
    OLD.outcome <> 'sending' OR NEW.outcome = 'sending' OR NEW.id <> OLD.id OR NEW.message <> OLD.message
    OR NEW.digest <> OLD.digest OR NEW.started_at <> OLD.started_at
) AND NOT (
    (SELECT key FROM version WHERE id = OLD.message) IN (SELECT key FROM forgotten)
    AND OLD.outcome <> 'sending' AND NEW.outcome = OLD.outcome
    AND NEW.id = OLD.id AND NEW.message = OLD.message AND NEW.digest = OLD.digest
    AND substr(NEW.started_at, 1, 10) = substr(OLD.started_at, 1, 10)
    AND substr(NEW.settled_at, 1, 10) IS substr(OLD.settled_at, 1, 10)
    AND NEW.reply = substr(OLD.reply, 1, length(NEW.reply))
) BEGIN
    SELECT RAISE(ABORT, 'an attempt is settled once');
END;
