-- Everything that was reported about a case and not withdrawn, oldest first; who joined it to another one, from either
-- side. Who and where stand with the first report only: the answer must fit into a few SMS.
SELECT to_char(r.sent_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       r.code,
       CASE WHEN r.first THEN p.name END AS by,
       CASE WHEN r.first THEN (SELECT k.address FROM contact k WHERE k.person = p.id AND k.kind = 'phone'
                                ORDER BY k.preference, k.id LIMIT 1) END AS phone,
       CASE WHEN r.first THEN (SELECT string_agg(a.name, ', ' ORDER BY a.level DESC)
                                 FROM place h JOIN place a ON a.id = ANY (h.path) WHERE h.id = r.place) END AS place,
       animals_of(r.fields, :language) AS animals,
       words_of('sign', r.fields -> 'sign', :language) AS signs,
       words_of('syndrome', r.fields -> 'syndrome', :language) AS syndrome,
       words_of('response_mode', r.fields -> 'mode', :language) AS mode,
       words_of('diagnosis', r.fields -> 'diagnosis', :language) AS diagnosis,
       words_of('outcome', r.fields -> 'outcome', :language) AS outcome,
       words_of('disease_source', r.fields -> 'source', :language) AS source,
       words_of('other_action', r.fields -> 'action', :language) AS actions,
       (SELECT string_agg(concat_ws(' ', words_of('drug', t.item -> 'drug', :language),
                                    shown_decimal(t.item ->> 'dose', :language)), ', ' ORDER BY t.n)
          FROM jsonb_path_query(r.fields, '$.treatment[*]') WITH ORDINALITY AS t (item, n)) AS drugs,
       (SELECT string_agg(concat_ws(' ', t.item ->> 'number', words_of('specimen_type', t.item -> 'specimen', :language),
                                    words_of('specimen_form', t.item -> 'form', :language),
                                    words_of('lab_section', t.item -> 'section', :language)), ', ' ORDER BY t.n)
          FROM jsonb_path_query(r.fields, '$.specimens[*]') WITH ORDINALITY AS t (item, n)) AS specimens,
       (SELECT i.name FROM infrastructure i WHERE i.code = r.fields ->> 'laboratory') AS laboratory,
       (SELECT string_agg(concat_ws(' ', words_of('diagnosis', t.item -> 'disease', :language),
                                    shown_date(t.item ->> 'date')), ', ' ORDER BY t.n)
          FROM jsonb_path_query(r.fields, '$.vaccinations[*]') WITH ORDINALITY AS t (item, n)) AS vaccinations,
       (SELECT string_agg(concat_ws(' ', words_of('rapid_test', t.item -> 'test', :language),
                                    words_of('test_result', t.item -> 'result', :language),
                                    '(' || (t.item ->> 'number') || ')'), ', ' ORDER BY t.n)
          FROM jsonb_path_query(r.fields, '$.tests[*]') WITH ORDINALITY AS t (item, n)) AS tests,
       r.fields ->> 'sick' AS sick, r.fields ->> 'dead' AS dead, r.fields ->> 'slaughtered' AS slaughtered,
       r.fields ->> 'at_risk' AS at_risk,
       r.fields ->> 'people' AS people,
       left(coalesce(r.fields ->> 'comment', r.fields ->> 'observation', r.fields ->> 'note'), 80) AS words,
       nullif(jsonb_array_length(jsonb_path_query_array(r.fields, '$.added[*]')), 0) AS added,
       r.other
  FROM (SELECT q.*, NULL::bigint AS other, row_number() OVER (ORDER BY q.sent_at, q.received_at, q.line, q.id) = 1 AS first
          FROM report q WHERE q.case_id = :case AND q.code <> 'LINK' AND q.withdrawn_at IS NULL
        UNION ALL
        SELECT q.*, o.id, false
          FROM case_link l
          JOIN disease_case o ON o.id = l.case_id + l.other - :case::bigint AND o.state <> 'withdrawn'
          JOIN report q ON q.case_id IN (l.case_id, l.other) AND q.id = l.report
         WHERE l.case_id = :case OR l.other = :case) r
  JOIN person p ON p.id = r.sender
 ORDER BY r.sent_at, r.received_at, r.line, r.id
 LIMIT 40
