-- Everything that was reported about a case and not withdrawn, oldest first. Who and where stand
-- with the first report only: the answer must fit into a few SMS.
WITH entry AS NOT MATERIALIZED (
    SELECT list, code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name FROM list_entry)
SELECT to_char(r.sent_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       r.code,
       CASE WHEN r.first THEN p.name END AS by,
       CASE WHEN r.first THEN (SELECT k.address FROM contact k
                                WHERE k.person = p.id AND k.kind = 'phone'
                                ORDER BY k.preference, k.id LIMIT 1) END AS phone,
       CASE WHEN r.first THEN (SELECT string_agg(a.name, ', ' ORDER BY a.level DESC)
                                 FROM place h JOIN place a ON a.id = ANY (h.path)
                                WHERE h.id = r.place) END AS place,
       (SELECT string_agg((a.item ->> 'number') || ' ' || e.name, ', ' ORDER BY a.n)
          FROM jsonb_array_elements(coalesce(r.fields -> 'animals', '[]')) WITH ORDINALITY AS a (item, n)
          JOIN entry e ON e.list = 'species' AND e.code = a.item ->> 'species') AS animals,
       (SELECT string_agg(e.name, ', ' ORDER BY v.n)
          FROM jsonb_array_elements_text(coalesce(r.fields -> 'sign', '[]')) WITH ORDINALITY AS v (code, n)
          JOIN entry e ON e.list = 'sign' AND e.code = v.code) AS signs,
       (SELECT e.name FROM entry e WHERE e.list = 'syndrome' AND e.code = r.fields ->> 'syndrome') AS syndrome,
       (SELECT e.name FROM entry e WHERE e.list = 'response_mode' AND e.code = r.fields ->> 'mode') AS mode,
       (SELECT string_agg(e.name, ', ' ORDER BY v.n)
          FROM jsonb_array_elements_text(coalesce(r.fields -> 'diagnosis', '[]')) WITH ORDINALITY AS v (code, n)
          JOIN entry e ON e.list = 'diagnosis' AND e.code = v.code) AS diagnosis,
       (SELECT e.name FROM entry e WHERE e.list = 'outcome' AND e.code = r.fields ->> 'outcome') AS outcome
  FROM (SELECT q.*, row_number() OVER (ORDER BY q.sent_at, q.received_at, q.line, q.id) = 1 AS first
          FROM report q
         WHERE q.case_id = :case AND q.withdrawn_at IS NULL) r
  JOIN person p ON p.id = r.sender
 ORDER BY r.sent_at, r.received_at, r.line, r.id
 LIMIT 40
