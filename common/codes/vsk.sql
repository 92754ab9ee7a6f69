-- One permit, whatever its state, with what the laboratory found and where it was confirmed last.
WITH entry AS NOT MATERIALIZED (
    SELECT list, code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name FROM list_entry)
SELECT p.id AS number,
       CASE WHEN p.state = 'withdrawn' THEN 'withdrawn'
            WHEN p.valid_until < (now() AT TIME ZONE 'Asia/Jakarta')::date THEN 'expired'
            ELSE 'valid' END AS state,
       p.identity AS owner,
       to_char(p.issued_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS issued,
       to_char(p.valid_until, 'DD/MM/YYYY') AS until,
       (SELECT string_agg((a.item ->> 'number') || ' ' || e.name, ', ' ORDER BY a.n)
          FROM jsonb_array_elements(p.fields -> 'animals') WITH ORDINALITY AS a (item, n)
          JOIN entry e ON e.list IN ('species', 'breed') AND e.code = a.item ->> 'species') AS animals,
       (SELECT string_agg(a.name, ', ' ORDER BY a.level)
          FROM place h JOIN place a ON a.id = ANY (h.path) WHERE h.id = p.origin) AS origin,
       (SELECT string_agg(a.name, ', ' ORDER BY a.level)
          FROM place h JOIN place a ON a.id = ANY (h.path) WHERE h.id = p.destination) AS destination,
       (SELECT to_char(r.sent_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') || coalesce(', ' || h.name, '')
          FROM report_subject s JOIN report r ON r.id = s.report AND r.received_at = s.received_at
          LEFT JOIN place h ON h.id = r.place
         WHERE s.kind = 'permit' AND s.subject = p.id AND NOT s.withdrawn AND r.code = 'KSK'
         ORDER BY r.sent_at DESC LIMIT 1) AS arrived,
       (SELECT string_agg(t.name || ' ' || e.name, ', ' ORDER BY r.sent_at, x.n)
          FROM report_subject s JOIN report r ON r.id = s.report AND r.received_at = s.received_at,
               jsonb_array_elements(r.fields -> 'results') WITH ORDINALITY AS x (item, n)
          JOIN entry t ON t.list IN ('rapid_test', 'diagnosis') AND t.code = x.item ->> 'test'
          JOIN entry e ON e.list = 'test_result' AND e.code = x.item ->> 'result'
         WHERE s.kind = 'permit' AND s.subject = p.id AND NOT s.withdrawn AND r.code = 'LSK') AS results
  FROM permit p
 WHERE p.id = :permit
