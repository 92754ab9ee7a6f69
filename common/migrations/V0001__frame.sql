-- What the frame needs: the queue of the one-box home, inbox, outbox, attempts, heartbeats.

-- Messages of the one-box home. `visible_at` is the lease and the delay at once; `lease` changes
-- with every receive, so that an old receipt is known. Dead letters are rows named `<queue>-dead`.
CREATE TABLE queue (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    id          uuid NOT NULL,
    body        text NOT NULL,
    sent_at     timestamptz NOT NULL DEFAULT now(),
    visible_at  timestamptz NOT NULL DEFAULT now(),
    receives    integer NOT NULL DEFAULT 0,
    lease       integer NOT NULL DEFAULT 0,
    reason      text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_due ON queue (name, visible_at, seq);

-- Queues that exist. A daemon refuses to start on a queue that is missing here.
CREATE TABLE queue_name (
    name          text PRIMARY KEY,
    dead          text,
    max_receives  integer,
    made_at       timestamptz NOT NULL DEFAULT now()
);

-- One row per message and consumer: written with what the message caused, in one transaction.
CREATE TABLE inbox (
    id        uuid NOT NULL,
    consumer  text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, consumer)
);
CREATE INDEX inbox_at ON inbox USING brin (at);

-- Attempts that began and have not ended. Written before a body is parsed, so that a message that
-- kills the process is known when it comes back.
CREATE TABLE attempt (
    queue    text NOT NULL,
    message  text NOT NULL,
    begun    integer NOT NULL DEFAULT 1,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, message)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What a transaction wants to say, until the queue's service has taken it (AWS home only).
CREATE TABLE outbox (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue    text NOT NULL,
    id       uuid NOT NULL,
    body     text NOT NULL,
    delay_s  integer NOT NULL DEFAULT 0,
    at       timestamptz NOT NULL DEFAULT now()
);

-- The write that a health check makes, and what `ctl` shows of the fleet.
CREATE TABLE heartbeat (
    daemon    text NOT NULL,
    instance  text NOT NULL,
    version   text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (daemon, instance)
);
