-- alerts::tell
-- Writes the alerts of one message; those are held (no sent_at) whose receiver got as many texts in
-- the time as may go one by one, or has others that wait. Gives the ids of the held.
WITH told AS (
    SELECT * FROM unnest($5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::boolean[])
                  AS t (id, person, channel, circle, urgent)
), judged AS (
    SELECT t.*, $2::bigint IS NOT NULL
                AND (l.texts >= CASE WHEN t.urgent THEN $11::bigint ELSE $10::bigint END
                     OR l.waits AND NOT t.urgent) AS held
    FROM told t CROSS JOIN LATERAL (
        SELECT count(DISTINCT coalesce(a.bundle, a.id)) AS texts,
               EXISTS (SELECT FROM alert h WHERE h.person = t.person AND h.sent_at IS NULL) AS waits
        FROM alert a
        WHERE a.person = t.person AND a.sent_at > now() - make_interval(mins => $12::integer)) l
), written AS (
    INSERT INTO alert (id, message, case_id, code, step, person, channel, circle, urgent, sent_at, held_until)
    SELECT id, $1, $2, $3, $4, person, channel, circle, urgent,
           CASE WHEN NOT held THEN now() END,
           CASE WHEN held THEN now() + make_interval(mins => CASE WHEN urgent THEN $13::integer ELSE $12::integer END) END
    FROM judged
)
SELECT id FROM judged WHERE held
