-- What the roles of roles.sql may do with what accounts have spent; see accounts.sql.

GRANT USAGE ON SCHEMA invite_tui_accounts TO invite_organiser, invite_worker, invite_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA invite_tui_accounts TO invite_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA invite_tui_accounts TO invite_organiser, invite_worker;
