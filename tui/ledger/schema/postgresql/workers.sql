-- What all events of a database share: the queue, which is procrastinate's own, and what each account may do.

CREATE TABLE allowance (       -- of an account, at all workers together
    account    TEXT COLLATE "C" PRIMARY KEY,
    due_at     TIMESTAMPTZ NOT NULL DEFAULT 'epoch', -- its next message
    held_until TIMESTAMPTZ NOT NULL DEFAULT 'epoch', -- a server that throttles has asked for it
    because    TEXT COLLATE "C" NOT NULL DEFAULT ''
);
