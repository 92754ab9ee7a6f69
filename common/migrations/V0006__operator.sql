-- What operators did to messages: who, when, why, to which.

CREATE TABLE operator_action (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    who        text NOT NULL CHECK (who <> ''),
    action     text NOT NULL,
    target     text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    -- What was asked for: the filter and the rate.
    asked      jsonb NOT NULL DEFAULT '{}',
    done       bigint NOT NULL DEFAULT 0,
    -- Empty while it runs, and for ever when it was broken off by force.
    ended_at   timestamptz
);
CREATE INDEX operator_action_at ON operator_action (at DESC);

-- The messages it was done to, so that a trace can tell.
CREATE TABLE operator_action_message (
    action   uuid NOT NULL REFERENCES operator_action ON DELETE CASCADE,
    message  uuid NOT NULL,
    trace    uuid NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (action, message)
);
CREATE INDEX operator_action_message_trace ON operator_action_message (trace);
