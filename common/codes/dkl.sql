-- The places directly inside one, in the order of their codes.
SELECT p.name, c.code
  FROM place p
 CROSS JOIN LATERAL (SELECT k.code FROM place_code k
                      WHERE k.place = p.id AND k.valid_to IS NULL AND k.system = ANY (:systems)
                      ORDER BY array_position(:systems, k.system) LIMIT 1) c
 WHERE p.parent = :place AND p.retired_at IS NULL
 ORDER BY c.code
 LIMIT 60
