-- What the roles of roles.sql may do with the queue, which all events of a database share; see workers.sql.

GRANT USAGE ON SCHEMA invite_tui_workers TO invite_organiser, invite_worker, invite_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA invite_tui_workers TO invite_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA invite_tui_workers TO invite_organiser, invite_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA invite_tui_workers TO invite_organiser, invite_worker;
