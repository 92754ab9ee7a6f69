-- How people change: who changed what, PINs that prove a telephone, ways round an address that fails.

-- One row per thing that changed about somebody. Rust writes it (common::people), whoever asked.
CREATE TABLE person_change (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    person   bigint NOT NULL,
    who      text NOT NULL CHECK (who <> ''),              -- an operator, `person 7`, or a part of the program
    message  uuid,                                         -- the message that did it
    reason   text,
    field    text NOT NULL,                                -- name, contact, area, ...; `person`: all of it at once
    old      jsonb,
    new      jsonb
);
CREATE INDEX person_change_person ON person_change (person, id);
CREATE INDEX person_change_at ON person_change USING brin (at);

-- The row of somebody who was erased stays for the reports that point to it.
ALTER TABLE person ADD COLUMN erased_at timestamptz;

-- Whom an officer registered by a message, until they prove their telephone with a PIN.
CREATE TABLE registration (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    user_type  text NOT NULL REFERENCES user_type,
    home_place bigint NOT NULL REFERENCES place,
    made_by    bigint NOT NULL REFERENCES person,
    made_at    timestamptz NOT NULL DEFAULT now(),
    person     bigint REFERENCES person                    -- who came of it
);

-- Numbers that prove a telephone by being sent from it. No number is given out twice while its row
-- stands, so that one that comes late is known as such.
CREATE TABLE pin (
    digits     text PRIMARY KEY CHECK (digits ~ '^[1-9][0-9]{5}$'),
    purpose    text NOT NULL CHECK (purpose ~ '^[a-z_]+$'),  -- person, number, owner
    subject    bigint NOT NULL,                            -- what it is about: a registration, a person, an owner
    address    text,                                       -- the only telephone that may send it; null: any
    detail     text,                                       -- what the purpose needs besides
    made_by    bigint NOT NULL,
    message    uuid NOT NULL,                              -- the message that asked for it; withdrawn with it
    line       smallint NOT NULL,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    used_from  text,
    void_at    timestamptz,                                -- a newer one took its place
    tries      integer NOT NULL DEFAULT 0                  -- how often it came in vain
);
CREATE INDEX pin_subject ON pin (purpose, subject);
CREATE INDEX pin_message ON pin (message);
CREATE INDEX pin_expires ON pin (expires_at);

-- Numbers that nobody was given, by the telephone that sent them: whoever guesses is stopped.
CREATE TABLE pin_miss (
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pin_miss_address ON pin_miss (address, at);

-- What did not reach somebody at one address and went to their next: a step of a way, which
-- begins with `root` and visits no address twice.
CREATE TABLE fall_over (
    failed  uuid PRIMARY KEY,
    next    uuid UNIQUE,                                   -- null: there was no other address
    root    uuid NOT NULL,
    person  bigint NOT NULL,
    contact bigint NOT NULL,                               -- the one that failed
    onto    bigint,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fall_over_root ON fall_over (root);
CREATE INDEX fall_over_at ON fall_over USING brin (at);

-- People who take part and cannot be reached, and when their coordinators were told.
CREATE TABLE unreachable (
    person  bigint PRIMARY KEY REFERENCES person ON DELETE CASCADE,
    since   timestamptz NOT NULL DEFAULT now()
);

-- Forgetting goes by age. Nothing is indexed by person: who erases somebody waits for a scan, who
-- sends a message does not wait for an index.
CREATE INDEX message_received ON message USING brin (received_at);
CREATE INDEX mail_received ON mail USING brin (received_at);

-- Blobs that nothing refers to any more: erased people's mails, mails that are too old.
CREATE TABLE blob_to_delete (
    key    text PRIMARY KEY,
    since  timestamptz NOT NULL DEFAULT now()
);

-- Up to when something was forgotten that stays as a row, so that no round goes through it again.
CREATE TABLE forgotten (
    what   text PRIMARY KEY,
    until  timestamptz NOT NULL
);
