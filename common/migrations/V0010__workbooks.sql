-- Workbooks that came by mail: what became of each, and that none is stored twice.

CREATE TABLE workbook (
    mail        uuid PRIMARY KEY,                  -- mail.id
    person      bigint NOT NULL,
    kind        text NOT NULL DEFAULT '',          -- empty while nobody has opened it
    code        text NOT NULL DEFAULT '',
    digest      bytea,                             -- SHA-256 of the file
    state       text NOT NULL CHECK (state IN ('held', 'stored', 'partly', 'faulty', 'refused', 'again', 'template')),
    reason      text,
    rows        integer NOT NULL DEFAULT 0,        -- messages or people that were stored
    faults      integer NOT NULL DEFAULT 0,
    -- Of one that waits for its confirmation: whom it was written to, and from where.
    recipients  text[] NOT NULL DEFAULT '{}',
    sender      text,
    received_at timestamptz NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- The same file of the same person is stored once; the index decides between two at the same time.
CREATE UNIQUE INDEX workbook_once ON workbook (person, kind, code, digest) WHERE state IN ('stored', 'partly');
CREATE INDEX workbook_decided ON workbook (decided_at);
