-- Alerts: when each went out, who has read it, what was held and told in one text; and the clocks of
-- urgent cases that nobody has answered yet.

-- A daemon of the version before writes rows without these columns: they went out at once.
ALTER TABLE alert
    ADD COLUMN code            text NOT NULL DEFAULT '',     -- of the message that set it off
    ADD COLUMN circle          text NOT NULL DEFAULT '',
    ADD COLUMN urgent          boolean NOT NULL DEFAULT false,
    ADD COLUMN step            smallint NOT NULL DEFAULT 0,  -- of the escalation; 0: told at once
    ADD COLUMN sent_at         timestamptz DEFAULT now(),    -- null: held
    ADD COLUMN held_until      timestamptz,                  -- when it is told at the latest
    ADD COLUMN bundle          uuid,                         -- the text that told it with others
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by uuid;                         -- the receiver's message that did
UPDATE alert SET sent_at = at;
-- How many texts somebody got lately, and the last of them.
CREATE INDEX alert_person ON alert (person, sent_at DESC);
CREATE INDEX alert_case ON alert (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX alert_held ON alert (held_until) WHERE sent_at IS NULL;

-- One row per case whose code has an escalation. The texts are those of the first alert, in both
-- languages; they go when the watch is over.
CREATE TABLE alert_watch (
    case_id   bigint PRIMARY KEY,
    message   uuid NOT NULL,
    trace     uuid NOT NULL,
    code      text NOT NULL,
    place     bigint NOT NULL,
    text_id   text,
    text_en   text,
    begun_at  timestamptz NOT NULL DEFAULT now(),
    step      smallint NOT NULL DEFAULT 0,                   -- steps that were taken
    due_at    timestamptz,                                   -- of the next; null: over
    ended     text                                           -- why: closed, withdrawn, acknowledged, answered, last
);
CREATE INDEX alert_watch_due ON alert_watch (due_at) WHERE due_at IS NOT NULL;
