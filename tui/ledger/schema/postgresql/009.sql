-- Of a run that several accounts share, each attempt says through which of them it went: what sqlite/009.sql makes.

ALTER TABLE attempt ADD COLUMN account TEXT COLLATE "C"; -- NULL where the run has one

CREATE OR REPLACE FUNCTION attempt_settles_once() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.id = OLD.id AND NEW.message = OLD.message AND NEW.digest = OLD.digest
        AND NEW.account IS NOT DISTINCT FROM OLD.account THEN
        IF OLD.outcome = 'sending' AND NEW.outcome <> 'sending' AND NEW.started_at = OLD.started_at THEN
            RETURN NEW;
        END IF;
        -- The only way past it: of a person who is being forgotten, and there only to say less.
        IF OLD.outcome <> 'sending' AND NEW.outcome = OLD.outcome
            AND substr(NEW.started_at, 1, 10) = substr(OLD.started_at, 1, 10)
            AND substr(NEW.settled_at, 1, 10) IS NOT DISTINCT FROM substr(OLD.settled_at, 1, 10)
            AND NEW.reply = substr(OLD.reply, 1, length(NEW.reply))
            AND EXISTS (SELECT 1 FROM version v JOIN forgotten f ON f.key = v.key WHERE v.id = OLD.message) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'an attempt is settled once' USING ERRCODE = 'integrity_constraint_violation';
END $$;
