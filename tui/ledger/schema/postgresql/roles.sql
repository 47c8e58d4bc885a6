-- Least rights, once for a database: run it as its owner (psql -d invitations -f roles.sql), then give each login one of
-- the four: GRANT invite_organiser TO anna. What each may do with the ledger of an event, `grants.sql` says.

DO $$
DECLARE
    role TEXT;
BEGIN
    FOREACH role IN ARRAY ARRAY['invite_owner', 'invite_organiser', 'invite_worker', 'invite_reader'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO invite_owner', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
