-- Who was forgotten. Their messages stay as numbers: when (the day), what kind, what became of it. Nothing says whose.

CREATE TABLE forgotten (       -- people whose row has neither name nor address any more
    key TEXT PRIMARY KEY REFERENCES person (key), -- made at random
    at  TEXT NOT NULL          -- the day
);

CREATE TABLE left_out (        -- so that a list that still has them does not invite them a second time
    mark       BLOB PRIMARY KEY, -- keyed hash of a key or an address
    generation INTEGER NOT NULL -- the newest that they were invited under
) WITHOUT ROWID;

CREATE TRIGGER forgotten_stays BEFORE DELETE ON forgotten BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

CREATE TRIGGER forgotten_is_for_good BEFORE UPDATE ON forgotten BEGIN
    SELECT RAISE(ABORT, 'the history is not rewritten');
END;

CREATE TRIGGER message_is_to_somebody BEFORE INSERT ON message
WHEN NEW.key IN (SELECT key FROM forgotten) BEGIN
    SELECT RAISE(ABORT, 'whoever it was for is forgotten');
END;

CREATE TRIGGER attempt_is_at_somebody BEFORE INSERT ON attempt
WHEN (SELECT key FROM message WHERE id = NEW.message) IN (SELECT key FROM forgotten) BEGIN
    SELECT RAISE(ABORT, 'whoever it was for is forgotten');
END;

-- The only ways past the two that keep history: once, to a person who is being forgotten; and there only to say less.
DROP TRIGGER message_is_one_version;
CREATE TRIGGER message_is_one_version BEFORE UPDATE OF id, key, uid, sequence, generation, round ON message
WHEN NOT (
    OLD.key NOT IN (SELECT key FROM forgotten) AND NEW.key IN (SELECT key FROM forgotten) AND NEW.id = OLD.id
    AND NEW.sequence = OLD.sequence AND NEW.generation = OLD.generation AND NEW.round = OLD.round
) BEGIN
    SELECT RAISE(ABORT, 'a message is one version to one person');
END;

DROP TRIGGER attempt_settles_once;
CREATE TRIGGER attempt_settles_once BEFORE UPDATE ON attempt
WHEN (
    OLD.outcome <> 'sending' OR NEW.outcome = 'sending' OR NEW.id <> OLD.id OR NEW.message <> OLD.message
    OR NEW.digest <> OLD.digest OR NEW.started_at <> OLD.started_at
) AND NOT (
    (SELECT key FROM message WHERE id = OLD.message) IN (SELECT key FROM forgotten)
    AND OLD.outcome <> 'sending' AND NEW.outcome = OLD.outcome
    AND NEW.id = OLD.id AND NEW.message = OLD.message AND NEW.digest = OLD.digest
    AND substr(NEW.started_at, 1, 10) = substr(OLD.started_at, 1, 10)
    AND substr(NEW.settled_at, 1, 10) IS substr(OLD.settled_at, 1, 10)
    AND NEW.reply = substr(OLD.reply, 1, length(NEW.reply))
) BEGIN
    SELECT RAISE(ABORT, 'an attempt is settled once');
END;
