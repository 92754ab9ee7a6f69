-- alerts::held
-- What waits for somebody ($1), with what a text about all of it wants to know; $2 are the systems of
-- place codes, the preferred one first. The district of a place is the one above it.
SELECT a.id, a.code, a.case_id, a.at, coalesce(c.state = 'withdrawn', false) AS withdrawn,
       coalesce(c.code, '') AS opened,
       coalesce((SELECT r.fields FROM report r WHERE r.case_id = a.case_id AND r.code = c.code
                 ORDER BY r.received_at LIMIT 1), '{}'::jsonb) AS fields,
       coalesce(d.name, '') AS district,
       coalesce((SELECT k.code FROM place_code k
                 WHERE k.place = d.id AND k.valid_to IS NULL AND k.system = ANY($2)
                 ORDER BY array_position($2, k.system) LIMIT 1), '') AS area
FROM alert a
LEFT JOIN disease_case c ON c.id = a.case_id
LEFT JOIN place p ON p.id = c.place
LEFT JOIN place d ON d.id = coalesce(p.parent, p.id)
WHERE a.person = $1 AND a.sent_at IS NULL AND a.case_id IS NOT NULL
ORDER BY a.at, a.id
FOR UPDATE OF a SKIP LOCKED
