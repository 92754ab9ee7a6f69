-- What went out, what became of it, whom we do not write to any more, and how much we may send.

-- One row per message that is handed to the outside, by its envelope's id. Committed as `claimed`
-- before the outside is called; whoever finds a row does not send again unless a policy says so.
CREATE TABLE delivery (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('mail', 'text')),
    channel      text NOT NULL,
    address      text NOT NULL,
    purpose      text NOT NULL CHECK (purpose IN ('answer', 'alert')),
    -- waiting: certainly not sent, will be tried again; unknown: perhaps sent.
    state        text NOT NULL CHECK (state IN ('claimed', 'waiting', 'sent', 'refused', 'unknown', 'suppressed', 'expired', 'moved')),
    attempts     integer NOT NULL DEFAULT 0,
    message_id   text,
    provider_id  text,
    reason       text,
    trace        uuid NOT NULL,
    cause        uuid,
    claimed_at   timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz
) WITH (fillfactor = 80);
CREATE INDEX delivery_provider ON delivery (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX delivery_message ON delivery (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX delivery_trace ON delivery (trace);
CREATE INDEX delivery_open ON delivery (state, claimed_at) WHERE state IN ('claimed', 'waiting', 'unknown');
CREATE INDEX delivery_at ON delivery USING brin (claimed_at);

-- What the provider or a bounce said of a mail. An event may come before the delivery knows its
-- provider's id: both are joined when somebody looks, so the order does not matter.
CREATE TABLE mail_event (
    id           uuid NOT NULL,                            -- of the envelope that brought it
    address      text NOT NULL,                            -- small letters
    event        text NOT NULL,
    provider_id  text,
    diagnostic   text,
    at           timestamptz NOT NULL,
    noted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, address)
);
CREATE INDEX mail_event_provider ON mail_event (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX mail_event_address ON mail_event (address, at);
CREATE INDEX mail_event_noted ON mail_event USING brin (noted_at);

-- Deliveries with what was heard of them; one line per event, at least one per delivery.
CREATE VIEW delivery_heard AS
SELECT d.id, d.trace, d.kind, d.channel, d.address, d.state, d.reason, d.attempts, d.claimed_at, d.done_at,
       e.event, e.diagnostic, e.at AS heard_at
FROM delivery d
LEFT JOIN mail_event e ON e.provider_id IN (d.provider_id, d.message_id);

-- Addresses that are not written to any more, known persons' or not.
CREATE TABLE suppression (
    kind     text NOT NULL DEFAULT 'email',
    address  text NOT NULL CHECK (address = lower(address)),
    reason   text NOT NULL CHECK (reason <> ''),
    since    timestamptz NOT NULL,
    by       text NOT NULL CHECK (by <> ''),               -- who or what decided: `bounce`, `complaint`, a person
    detail   text,
    PRIMARY KEY (kind, address)
);

-- How much may be sent, for the whole fleet: a bucket that fills with time, and hours for the day.
CREATE TABLE quota (
    name    text PRIMARY KEY,
    tokens  double precision NOT NULL,
    at      timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE quota_hour (
    name  text NOT NULL,
    hour  timestamptz NOT NULL,
    used  bigint NOT NULL,
    PRIMARY KEY (name, hour)
) WITH (fillfactor = 50);

-- What the bucket holds now: at most a tenth of a second's worth (one at least), filling at 85 % of
-- the rate. With tokens that are used within a twentieth of a second no second sees more than the
-- rate, rounded up: 0.1 + 0.85 * 1.05 < 1.
CREATE FUNCTION quota_tokens(transport text, rate double precision, instant timestamptz)
RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT least(greatest(1, rate / 10), tokens + greatest(0, extract(epoch FROM instant - at)) * rate * 0.85)
         FROM quota WHERE name = transport),
        greatest(1, rate / 10));
$$;

-- For how many seconds nothing may be sent; 0: something may. Takes nothing and locks nothing. The
-- day is the last 24 full hours and the running one, so that no 24 hours see more than `per_day`.
-- A rate or day of 0 means without limit.
CREATE FUNCTION quota_pause(transport text, rate double precision, per_day bigint, instant timestamptz)
RETURNS double precision LANGUAGE plpgsql STABLE AS $$
DECLARE
    tokens   double precision;
    day_used bigint;
    oldest   timestamptz;
BEGIN
    IF per_day > 0 THEN
        SELECT coalesce(sum(used), 0), min(hour) INTO day_used, oldest FROM quota_hour
        WHERE name = transport AND hour >= date_trunc('hour', instant) - interval '24 hours' AND used > 0;
        IF day_used >= per_day THEN
            RETURN extract(epoch FROM coalesce(oldest, instant) + interval '25 hours' - instant);
        END IF;
    END IF;
    IF rate > 0 THEN
        tokens := quota_tokens(transport, rate, instant);
        IF tokens < 1 THEN RETURN (1 - tokens) / (rate * 0.85); END IF;
    END IF;
    RETURN 0;
END $$;

-- Takes up to `want` tokens; `unused` ones of an earlier grant go back to the day, never to the
-- rate. When nothing is left, `pause` says for how many seconds. The row lock makes the fleet take
-- turns.
CREATE FUNCTION quota_take(transport text, want integer, unused integer, rate double precision, per_day bigint,
                           OUT granted integer, OUT pause double precision)
LANGUAGE plpgsql AS $$
DECLARE
    instant  timestamptz;
    held     double precision;
    day_used bigint;
BEGIN
    INSERT INTO quota VALUES (transport, greatest(1, rate / 10), clock_timestamp()) ON CONFLICT (name) DO NOTHING;
    PERFORM FROM quota WHERE name = transport FOR UPDATE;
    SELECT greatest(clock_timestamp(), at) INTO instant FROM quota WHERE name = transport;
    held := quota_tokens(transport, rate, instant);
    UPDATE quota_hour SET used = greatest(0, used - unused)
    WHERE unused > 0 AND name = transport AND hour = date_trunc('hour', instant);

    pause := quota_pause(transport, rate, per_day, instant);
    granted := CASE WHEN pause > 0 THEN 0 ELSE want END;
    IF rate > 0 THEN granted := least(granted, floor(held)); END IF;
    IF per_day > 0 THEN
        SELECT coalesce(sum(used), 0) INTO day_used FROM quota_hour
        WHERE name = transport AND hour >= date_trunc('hour', instant) - interval '24 hours';
        granted := greatest(0, least(granted, per_day - day_used));
    END IF;

    UPDATE quota SET tokens = CASE WHEN rate > 0 THEN held - granted ELSE held END, at = instant
    WHERE name = transport;
    UPDATE quota_hour SET used = used + granted WHERE name = transport AND hour = date_trunc('hour', instant);
    IF NOT FOUND THEN
        INSERT INTO quota_hour VALUES (transport, date_trunc('hour', instant), granted);
        DELETE FROM quota_hour WHERE name = transport AND hour < instant - interval '3 days';
    END IF;
END $$;
