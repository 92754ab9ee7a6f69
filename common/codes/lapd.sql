-- The last five cases in a place and all that lies inside it, newest first, each as it was opened.
SELECT c.id AS "case",
       to_char(c.opened_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       animals_of(r.fields, :language) AS animals,
       words_of('sign', r.fields -> 'sign', :language) AS signs,
       words_of('syndrome', r.fields -> 'syndrome', :language) AS syndrome
  FROM (SELECT k.* FROM disease_case k JOIN place h ON h.id = k.place
         WHERE h.path @> ARRAY[:place::bigint] AND k.state <> 'withdrawn'
         ORDER BY k.id DESC LIMIT 5) c
  LEFT JOIN LATERAL (SELECT q.fields FROM report q
                      WHERE q.case_id = c.id AND q.code = c.code AND q.withdrawn_at IS NULL
                      ORDER BY q.received_at LIMIT 1) r ON true
 ORDER BY c.id DESC
