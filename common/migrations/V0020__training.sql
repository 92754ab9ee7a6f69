-- The training twin: what people in training send is answered like the real thing and kept apart, in tables of the same names in
-- a schema of their own. Within a transaction that answers one of them, `search_path` begins with that schema.

ALTER TABLE person ADD COLUMN training boolean NOT NULL DEFAULT false;
ALTER TABLE message ADD COLUMN training boolean NOT NULL DEFAULT false;

CREATE SCHEMA training;

-- Makes the twins that are missing and the columns that a table got since. Which tables have a twin: whatever a code may write,
-- but for people, whom both share, and messages, which say themselves that they are training.
CREATE FUNCTION training_twins() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    twin   text;
    missing record;
BEGIN
    FOREACH twin IN ARRAY ARRAY['report', 'disease_case', 'repetition', 'owner', 'owner_key', 'animal', 'case_animal', 'case_link',
                                'counter', 'permit', 'report_subject', 'alert', 'alert_watch'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS training.%1$I (LIKE public.%1$I INCLUDING ALL)', twin);
        FOR missing IN
            SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS kind
              FROM pg_attribute a
             WHERE a.attrelid = format('public.%I', twin)::regclass AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT EXISTS (SELECT FROM pg_attribute b
                                WHERE b.attrelid = format('training.%I', twin)::regclass AND b.attname = a.attname)
        LOOP
            EXECUTE format('ALTER TABLE training.%I ADD COLUMN %I %s', twin, missing.attname, missing.kind);
        END LOOP;
    END LOOP;
END $$;
SELECT training_twins();
