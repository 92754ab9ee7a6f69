-- What carries texts: who holds which connection, how channels do, parts of texts on their way out
-- and in, and what networks say of them.

-- A connection that may exist once has one holder. The fence grows whenever it changes hands.
CREATE TABLE connection_lease (
    name   text PRIMARY KEY,
    holder text NOT NULL,
    fence  bigint NOT NULL DEFAULT 1,
    until  timestamptz NOT NULL
);

-- How a channel does, for whoever chooses a way: `good`, `slow` (too few texts arrive in time) or
-- `away` (no bridge has a connection).
CREATE TABLE channel_state (
    channel    text PRIMARY KEY,
    health     text NOT NULL DEFAULT 'good' CHECK (health IN ('good', 'slow', 'away')),
    since      timestamptz NOT NULL DEFAULT now(),
    handed     integer NOT NULL DEFAULT 0,                 -- texts that the judgement is about
    in_time    integer NOT NULL DEFAULT 0,                 -- of them, those that arrived in time
    connected  timestamptz,                                -- when a bridge said last that it is connected
    paused_at  timestamptz,
    paused_by  text,
    probed_at  timestamptz                                 -- when a text was let through to see
);
CREATE TRIGGER changed_channel_state AFTER UPDATE OF paused_at, health ON channel_state
    FOR EACH STATEMENT EXECUTE FUNCTION tell_changed('channels');

-- The same text to the same receiver again and again is a fault or a loop; so are too many answers.
ALTER TABLE delivery ADD COLUMN digest bigint;
CREATE INDEX delivery_said ON delivery (address, claimed_at) WHERE kind = 'text';

-- Pieces of a text that were handed over, each with the network's id.
CREATE TABLE text_piece (
    delivery    uuid NOT NULL,
    piece       smallint NOT NULL,                         -- from 1
    pieces      smallint NOT NULL,
    channel     text NOT NULL,
    provider_id text,
    sent_at     timestamptz NOT NULL,                      -- when the text was queued
    handed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (delivery, piece)
);
CREATE INDEX text_piece_provider ON text_piece (channel, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX text_piece_at ON text_piece USING brin (handed_at);

-- What a network says of a piece. May come before the piece knows its id: both are joined when
-- somebody looks.
CREATE TABLE text_receipt (
    channel     text NOT NULL,
    provider_id text NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'delivered', 'read', 'failed')),
    reason      text,
    at          timestamptz NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, provider_id, state)
);
CREATE INDEX text_receipt_noted ON text_receipt USING brin (noted_at);

-- Parts of a text that came in, until all are there.
CREATE TABLE text_fragment (
    channel    text NOT NULL,
    address    text NOT NULL,
    reference  integer NOT NULL,
    parts      smallint NOT NULL,
    part       smallint NOT NULL,
    text       text NOT NULL,
    channel_id text,
    sent_at    timestamptz NOT NULL,
    noted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, address, reference, parts, part)
);
CREATE INDEX text_fragment_noted ON text_fragment (noted_at);

-- Deliveries with what was heard of them; one line per event, at least one per delivery.
CREATE OR REPLACE VIEW delivery_heard AS
SELECT d.id, d.trace, d.kind, d.channel, d.address, d.state, d.reason, d.attempts, d.claimed_at, d.done_at,
       e.event, e.diagnostic, e.at AS heard_at
FROM delivery d
LEFT JOIN LATERAL (
    SELECT m.event, m.diagnostic, m.at FROM mail_event m
     WHERE d.kind = 'mail' AND m.provider_id IN (d.provider_id, d.message_id)
    UNION ALL
    SELECT r.state, r.reason, r.at FROM text_piece p
      JOIN text_receipt r ON r.channel = p.channel AND r.provider_id = p.provider_id
     WHERE d.kind = 'text' AND p.delivery = d.id) e ON true;
