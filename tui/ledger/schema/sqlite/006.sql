-- The order in which people and decisions came has a column of its own: other databases number no rows by themselves.

CREATE TABLE person_in_order ( -- as last planned; columns marked internal are never stored
    number  INTEGER PRIMARY KEY,
    key     TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    name    TEXT NOT NULL,
    grouped TEXT NOT NULL,
    fields  TEXT NOT NULL      -- JSON: header -> cell
);
INSERT INTO person_in_order (key, address, name, grouped, fields)
    SELECT key, address, name, grouped, fields FROM person ORDER BY rowid;
DROP TABLE person;
ALTER TABLE person_in_order RENAME TO person;

CREATE TABLE cancellation_in_order ( -- asked for by name: later sends leave this person out
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL REFERENCES person (key),
    session    TEXT NOT NULL,
    generation INTEGER NOT NULL, -- until they are invited anew
    at         TEXT NOT NULL,
    UNIQUE (key, session, generation)
);
INSERT INTO cancellation_in_order (key, session, generation, at)
    SELECT key, session, generation, at FROM cancellation ORDER BY rowid;
DROP TABLE cancellation;
ALTER TABLE cancellation_in_order RENAME TO cancellation;

CREATE TABLE promise_in_order ( -- a replacement is owed to this person until they have one
    number INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE,
    at     TEXT NOT NULL
);
INSERT INTO promise_in_order (key, at) SELECT key, at FROM promise ORDER BY rowid;
DROP TABLE promise;
ALTER TABLE promise_in_order RENAME TO promise;

CREATE TABLE holder (          -- who last began to hold the ledger; whether they still do, the lock says
    what  TEXT PRIMARY KEY,
    who   TEXT NOT NULL,
    place TEXT NOT NULL,       -- the machine
    since TEXT NOT NULL
);
