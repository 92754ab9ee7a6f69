-- What people told us: messages as they came, reports (one row per message that stores), cases.

-- Disease cases; the number is what people type and write on sample tubes.
CREATE TABLE disease_case (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL,
    opened_by   bigint NOT NULL REFERENCES person,
    place       bigint NOT NULL REFERENCES place,
    opened_at   timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'withdrawn')),
    outcome     text,
    changed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX disease_case_place ON disease_case (place, id DESC);

-- One row per stored message. `fields` holds the declared fields; a view `data_<code>` shows them
-- as typed columns. Withdrawn rows stay.
CREATE TABLE report (
    id            uuid NOT NULL,
    code          text NOT NULL,
    sender        bigint NOT NULL,
    place         bigint,
    case_id       bigint,
    program_id    bigint,
    sent_at       timestamptz NOT NULL,
    received_at   timestamptz NOT NULL,
    message_id    uuid NOT NULL,
    line          smallint NOT NULL DEFAULT 0,                -- which command of that message
    withdrawn_at  timestamptz,
    fields        jsonb NOT NULL,
    PRIMARY KEY (received_at, id)
) PARTITION BY RANGE (received_at);
CREATE INDEX report_sender ON report (sender, received_at DESC);
CREATE INDEX report_case ON report (case_id, received_at) WHERE case_id IS NOT NULL;
CREATE INDEX report_message ON report (message_id);
CREATE INDEX report_code ON report (code, received_at);

-- Takes what falls outside every month, so that nothing is ever refused for its date.
CREATE TABLE report_other PARTITION OF report DEFAULT;

-- Makes the partitions of last month, this one and the next two; run by migration and hourly. Each
-- takes over what report_other holds of its month. A month that cannot be made now (somebody reads
-- report_other for long, or writes to it) keeps no other month back and is tried the next hour:
-- until then report_other takes its rows. Attached rather than made in place, which locks out
-- only those who use report_other.
CREATE FUNCTION report_partitions() RETURNS integer LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    month timestamptz;
    until timestamptz;
    name  text;
    made  integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(46552);
    FOR n IN -1..2 LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC';
        until := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        name := 'report_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I (LIKE report INCLUDING DEFAULTS)', name);
            EXECUTE format('WITH moved AS (DELETE FROM report_other WHERE received_at >= %L AND received_at < %L
                                           RETURNING *) INSERT INTO %I SELECT * FROM moved', month, until, name);
            EXECUTE format('ALTER TABLE report ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, month, until);
            made := made + 1;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'the partition % was not made: %', name, SQLERRM;
        END;
    END LOOP;
    RETURN made;
END $$;
SELECT report_partitions();

-- The views data_<code> as they were last made, so that a start that changes nothing makes none.
CREATE TABLE code_view (
    name  text PRIMARY KEY,
    sql   text NOT NULL
);

-- Every command as it came, with what was decided: the original that nothing may lose.
CREATE TABLE message (
    id           uuid NOT NULL,
    line         smallint NOT NULL DEFAULT 0,
    trace        uuid NOT NULL,
    channel      text NOT NULL,
    address      text NOT NULL,
    person       bigint,
    text         text NOT NULL,
    channel_id   text,
    sent_at      timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome      text NOT NULL,
    code         text,
    answer       text,
    answer_id    uuid,
    PRIMARY KEY (id, line)
);
CREATE INDEX message_trace ON message (trace);
CREATE INDEX message_address ON message (address, received_at DESC);

-- What a person said lately: the same words again get the answer of the message that said them first.
CREATE TABLE repetition (
    key      bytea PRIMARY KEY,
    message  uuid NOT NULL,
    line     smallint NOT NULL DEFAULT 0,
    at       timestamptz NOT NULL
);
-- Is an answer given at `first` still the answer at `again`?
CREATE FUNCTION fresh(first timestamptz, again timestamptz, window_s float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE RETURN again - first < make_interval(secs => window_s);
CREATE INDEX repetition_message ON repetition (message);
CREATE INDEX repetition_at ON repetition USING brin (at);

-- Who was told of what: one row per alert that went out.
CREATE TABLE alert (
    id       uuid PRIMARY KEY,
    message  uuid NOT NULL,
    case_id  bigint,
    person   bigint NOT NULL,
    channel  text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_message ON alert (message);

-- People who are not registered get one answer a day.
CREATE TABLE stranger (
    channel      text NOT NULL,
    address      text NOT NULL,
    answered_at  timestamptz NOT NULL,
    PRIMARY KEY (channel, address)
);

-- Incoming mails. The raw original lies in the blob store under `blob`.
CREATE TABLE mail (
    id           uuid PRIMARY KEY,
    trace        uuid NOT NULL,
    blob         text NOT NULL,
    digest       bytea,
    message_id   text,
    address      text NOT NULL,
    person       bigint,
    subject      text NOT NULL,
    received_at  timestamptz NOT NULL,
    decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome      text NOT NULL,
    reason       text,
    answer_id    uuid,
    proven       boolean NOT NULL DEFAULT false,    -- was the sender, when we answered?
    held_until   timestamptz,
    flagged      text
);
-- The same mail handed in by two ways, or to two of our addresses, has one effect.
CREATE UNIQUE INDEX mail_once ON mail (digest) WHERE digest IS NOT NULL;
CREATE INDEX mail_address ON mail (address, decided_at DESC);
CREATE INDEX mail_message_id ON mail (message_id);
CREATE INDEX mail_trace ON mail (trace);
