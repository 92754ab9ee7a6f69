-- people::list
-- $1 user type, $2 place, $3 state, $4 only those whom nothing reaches, $5 most, $6 group; null: does not matter.
SELECT p.id, p.name, p.user_type, p.language, p.state,
       (SELECT w.name FROM place w WHERE w.id = p.home_place) AS home,
       ARRAY(SELECT w.name FROM person_area a JOIN place w ON w.id = a.place
              WHERE a.person = p.id ORDER BY w.name) AS areas,
       ARRAY(SELECT m.user_group FROM person_group m
              WHERE m.person = p.id ORDER BY m.user_group) AS groups,
       u.addresses[1] AS contact, cardinality(u.addresses)::bigint AS usable
  FROM person p,
       LATERAL (SELECT coalesce(array_agg(c.address ORDER BY c.preference, c.id), '{}') AS addresses
                  FROM contact c
                 WHERE c.person = p.id AND c.state <> 'suppressed'
                   AND (c.channel IS NOT NULL OR EXISTS (SELECT FROM channel h
                                                          WHERE h.address_kind = c.kind AND h.is_default))) u
 WHERE ($1::text IS NULL OR p.user_type = $1)
   AND ($2::bigint IS NULL OR EXISTS (SELECT FROM person_area a JOIN place w ON w.id = a.place
                                       WHERE a.person = p.id
                                         AND ($2 = ANY (w.path)
                                              OR a.place = ANY ((SELECT f.path FROM place f WHERE f.id = $2)::bigint[]))))
   AND ($3::text IS NULL OR p.state = $3)
   AND ($6::text IS NULL OR EXISTS (SELECT FROM person_group m WHERE m.person = p.id AND m.user_group = $6))
   AND (NOT $4 OR (p.state = 'active' AND cardinality(u.addresses) = 0))
 ORDER BY p.name, p.id
 LIMIT $5
