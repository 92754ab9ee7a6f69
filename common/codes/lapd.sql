-- The last five cases in a place and all that lies inside it, newest first, each as it was opened.
WITH entry AS NOT MATERIALIZED (
    SELECT list, code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name FROM list_entry)
SELECT c.id AS "case",
       to_char(c.opened_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       (SELECT string_agg((a.item ->> 'number') || ' ' || e.name, ', ' ORDER BY a.n)
          FROM jsonb_array_elements(coalesce(r.fields -> 'animals', '[]')) WITH ORDINALITY AS a (item, n)
          JOIN entry e ON e.list = 'species' AND e.code = a.item ->> 'species') AS animals,
       (SELECT string_agg(e.name, ', ' ORDER BY v.n)
          FROM jsonb_array_elements_text(coalesce(r.fields -> 'sign', '[]')) WITH ORDINALITY AS v (code, n)
          JOIN entry e ON e.list = 'sign' AND e.code = v.code) AS signs,
       (SELECT e.name FROM entry e WHERE e.list = 'syndrome' AND e.code = r.fields ->> 'syndrome') AS syndrome
  FROM (SELECT k.* FROM disease_case k JOIN place h ON h.id = k.place
         WHERE h.path @> ARRAY[:place::bigint] AND k.state <> 'withdrawn'
         ORDER BY k.id DESC LIMIT 5) c
  LEFT JOIN LATERAL (SELECT q.fields FROM report q
                      WHERE q.case_id = c.id AND q.code = c.code AND q.withdrawn_at IS NULL
                      ORDER BY q.received_at LIMIT 1) r ON true
 ORDER BY c.id DESC
