-- A message of the sender's by its trace, or the last one; else a case that the sender reported, took
-- part in or answers for. What somebody asks by S is no message to ask about.
WITH mine AS (
    SELECT m.id, m.line, m.trace, m.received_at
      FROM contact k JOIN message m ON m.address = k.address
     WHERE k.person = :sender AND m.person = :sender AND m.code IS DISTINCT FROM 'S'),
asked AS (
    (SELECT id, line FROM mine WHERE :word::text IS NULL ORDER BY received_at DESC, line DESC LIMIT 1)
    UNION ALL
    -- The commands of one mail have one trace.
    (SELECT id, line FROM mine WHERE right(replace(trace::text, '-', ''), 8) = lower(:word::text)
      ORDER BY received_at DESC, line LIMIT 5)),
found AS (
    SELECT m.id, m.line, m.text, m.received_at AS at, m.answer, r.case_id,
           CASE WHEN r.withdrawn_at IS NULL THEN m.outcome ELSE 'withdrawn' END AS outcome
      FROM asked JOIN message m USING (id, line)
      LEFT JOIN report r ON r.message_id = m.id AND r.line = m.line
    UNION ALL
    SELECT NULL, 0, NULL, c.opened_at, NULL, c.id, 'case'
      FROM disease_case c JOIN place h ON h.id = c.place
     WHERE NOT EXISTS (SELECT FROM asked)
       AND c.id = CASE WHEN :word::text ~ '^[0-9]{1,12}$' THEN :word::text::bigint END
       AND (c.opened_by = :sender
            OR EXISTS (SELECT FROM report r WHERE r.case_id = c.id AND r.sender = :sender)
            OR EXISTS (SELECT FROM person_area a WHERE a.person = :sender AND a.place = ANY (h.path))))
SELECT to_char(f.at AT TIME ZONE 'Asia/Jakarta', 'DD/MM HH24:MI') AS date,
       CASE WHEN length(f.text) > 40 THEN left(f.text, 37) || '...' ELSE f.text END AS text,
       f.outcome,
       f.answer,
       f.case_id AS "case",
       c.state,
       (SELECT CASE :language WHEN 'en' THEN e.name_en ELSE e.name_id END FROM list_entry e
         WHERE e.list = 'outcome' AND e.code = c.outcome) AS result,
       told.told,
       told.read,
       by.name AS responder,
       coalesce(by.phone, '-') AS phone
  FROM found f
  LEFT JOIN disease_case c ON c.id = f.case_id
  LEFT JOIN LATERAL (
       SELECT count(DISTINCT a.person) FILTER (WHERE a.sent_at IS NOT NULL) AS told,
              count(DISTINCT a.person) FILTER (WHERE a.acknowledged_at IS NOT NULL) AS read
         FROM alert a WHERE a.case_id = f.case_id OR a.message = f.id) told ON true
  LEFT JOIN LATERAL (
       SELECT p.name, (SELECT k.address FROM contact k WHERE k.person = p.id AND k.kind = 'phone'
                        ORDER BY k.preference, k.id LIMIT 1) AS phone
         FROM report r JOIN person p ON p.id = r.sender
        WHERE r.case_id IN (SELECT f.case_id
                            UNION SELECT l.other FROM case_link l WHERE l.case_id = f.case_id
                            UNION SELECT l.case_id FROM case_link l WHERE l.other = f.case_id)
          AND r.code = 'R' AND r.withdrawn_at IS NULL
        ORDER BY r.sent_at LIMIT 1) by ON true
 ORDER BY f.line
