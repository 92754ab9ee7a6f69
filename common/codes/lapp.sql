-- The last ten cases that one person opened, newest first, each as it was opened and with its outcome; the sender's own
-- when no number is given.
WITH who AS MATERIALIZED (
    SELECT :sender::bigint AS person WHERE :reporter::text IS NULL
    UNION ALL
    SELECT person FROM contact WHERE kind = 'phone' AND address = :reporter::text
    UNION ALL
    -- A number that somebody gave up, and nobody has since.
    (SELECT m.person FROM message m
      WHERE m.address = :reporter::text AND m.person IS NOT NULL
        AND NOT EXISTS (SELECT FROM contact k WHERE k.address = :reporter::text)
      ORDER BY m.received_at DESC LIMIT 1)
)
SELECT c.id AS "case",
       to_char(c.opened_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       animals_of(r.fields, :language) AS animals,
       words_of('sign', r.fields -> 'sign', :language) AS signs,
       words_of('syndrome', r.fields -> 'syndrome', :language) AS syndrome,
       words_of('outcome', to_jsonb(c.outcome), :language) AS outcome
  FROM (SELECT k.* FROM disease_case k
         WHERE k.opened_by = (SELECT person FROM who) AND k.state <> 'withdrawn'
         ORDER BY k.id DESC LIMIT 10) c
  LEFT JOIN LATERAL (SELECT q.fields FROM report q
                      WHERE q.case_id = c.id AND q.code = c.code AND q.withdrawn_at IS NULL
                      ORDER BY q.received_at LIMIT 1) r ON true
 ORDER BY c.id DESC
