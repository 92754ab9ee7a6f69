-- What was reported of an animal and not withdrawn, the latest first, after the day of its birth: what does not fit into the
-- answer is what came long ago.
WITH entry AS NOT MATERIALIZED (
    SELECT list, code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name FROM list_entry),
event AS (
    SELECT r.sent_at, r.received_at, r.line, s.seq, s.made, r.code, r.case_id, r.fields
      FROM report_subject s
      JOIN report r ON r.received_at = s.received_at AND r.id = s.report
     WHERE s.kind = 'animal' AND s.subject = :animal AND NOT s.withdrawn)
SELECT to_char(a.born_on, 'DD/MM/YYYY') AS date, 'x' AS born, NULL AS made, NULL AS code,
       (SELECT e.name FROM entry e WHERE e.list IN ('breed', 'species') AND e.code = a.kind LIMIT 1) AS kind,
       (SELECT e.name FROM entry e WHERE e.list = 'sex' AND e.code = a.sex) AS sex,
       NULL AS owner, NULL AS buyer, NULL AS old, NULL AS new, NULL AS fate, NULL AS bull, NULL AS month,
       NULL AS calf, NULL AS trimester, NULL AS weight, NULL::bigint AS case,
       0 AS turn, NULL::timestamptz AS sent_at, NULL::bigint AS seq
  FROM animal a WHERE a.id = :animal AND a.born_on IS NOT NULL
UNION ALL
SELECT to_char(v.sent_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY'), NULL, CASE WHEN v.made THEN 'x' END, v.code, NULL,
       (SELECT e.name FROM entry e WHERE e.list = 'sex' AND e.code = v.fields ->> 'sex'),
       (SELECT o.name FROM owner o WHERE o.id = CASE WHEN v.made THEN (v.fields ->> 'owner')::bigint END),
       (SELECT o.name FROM owner o WHERE o.id = (v.fields ->> 'buyer')::bigint),
       CASE WHEN v.code = 'GI' THEN v.fields ->> 'animal' END,
       v.fields ->> 'new',
       (SELECT e.name FROM entry e WHERE e.list = 'fate' AND e.code = v.fields ->> 'fate'),
       v.fields ->> 'bull', v.fields ->> 'month', v.fields ->> 'calf', v.fields ->> 'trimester', shown_decimal(v.fields ->> 'weight', :language::text),
       v.case_id, 1, v.sent_at, v.seq
  FROM event v
 ORDER BY turn, sent_at DESC, seq DESC
 LIMIT 60
