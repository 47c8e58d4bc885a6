-- What the roles of roles.sql may do in the schema of one event; whenever it was made or brought up to date.

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO invite_organiser, invite_worker, invite_reader', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO invite_organiser, invite_worker, invite_reader',
        current_schema());
END $$;

-- A worker tries messages, and keeps them where that is asked for.
GRANT INSERT, UPDATE (outcome, reply, settled_at) ON attempt TO invite_organiser, invite_worker;
REVOKE UPDATE (digest) ON version FROM invite_worker; -- which the ledgers of version 7 gave
GRANT INSERT ON kept TO invite_organiser, invite_worker;

-- An organiser plans, decides, reads what came back, proposes and forgets.
GRANT INSERT, UPDATE ON person, version, fact, holder, mailbox, answer, bounce, request, left_out, correction,
    cancellation, promise TO invite_organiser;
GRANT INSERT ON run, told, dead_link, mail, forgotten, proposal TO invite_organiser;
GRANT UPDATE (started_at) ON attempt TO invite_organiser;
GRANT DELETE ON fact, told, kept, answer, request TO invite_organiser;

-- Runs that were handed over: an organiser does it, and a worker carries them out, and tidies up behind the last.
GRANT INSERT, UPDATE, DELETE ON content, handover, share, letter TO invite_organiser;
GRANT UPDATE ON handover, share TO invite_worker;
GRANT DELETE ON content, letter TO invite_worker;
