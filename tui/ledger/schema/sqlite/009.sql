-- Of a run that several accounts share, each attempt says through which of them it went.

ALTER TABLE attempt ADD COLUMN account TEXT; -- NULL where the run has one

DROP TRIGGER attempt_settles_once;
CREATE TRIGGER attempt_settles_once BEFORE UPDATE ON attempt
WHEN (
    OLD.outcome <> 'sending' OR NEW.outcome = 'sending' OR NEW.id <> OLD.id OR NEW.message <> OLD.message
    OR NEW.digest <> OLD.digest OR NEW.started_at <> OLD.started_at OR NEW.account IS NOT OLD.account
) AND NOT (
    (SELECT key FROM version WHERE id = OLD.message) IN (SELECT key FROM forgotten)
    AND OLD.outcome <> 'sending' AND NEW.outcome = OLD.outcome
    AND NEW.id = OLD.id AND NEW.message = OLD.message AND NEW.digest = OLD.digest AND NEW.account IS OLD.account
    AND substr(NEW.started_at, 1, 10) = substr(OLD.started_at, 1, 10)
    AND substr(NEW.settled_at, 1, 10) IS substr(OLD.settled_at, 1, 10)
    AND NEW.reply = substr(OLD.reply, 1, length(NEW.reply))
) BEGIN
    SELECT RAISE(ABORT, 'an attempt is settled once');
END;
