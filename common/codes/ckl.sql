-- The very name first, then names that hold the words, then names that look like it; among equals
-- the larger area and then the lower code, so that the order never varies. A name of which fewer
-- than three letters remain without its punctuation finds nothing: it would find everything.
WITH wanted AS MATERIALIZED (
    SELECT search_key(:name::text) AS word
), found AS MATERIALIZED (
    SELECT p.id, p.level, p.name, p.parent,
           CASE WHEN p.search = w.word THEN 0
                WHEN ' ' || p.search || ' ' LIKE '% ' || w.word || ' %' THEN 1
                ELSE 2 END AS kind,
           similarity(p.search, w.word) AS likeness
      FROM place p, wanted w
     WHERE length(w.word) >= 3 AND (p.search LIKE '%' || w.word || '%' OR p.search % w.word) AND p.retired_at IS NULL
     ORDER BY kind, likeness DESC, p.level, p.id
     LIMIT 30
)
SELECT f.name, u.name AS parent, c.code
  FROM found f
  LEFT JOIN place u ON u.id = f.parent
 CROSS JOIN LATERAL (SELECT k.code FROM place_code k
                      WHERE k.place = f.id AND k.valid_to IS NULL AND k.system = ANY (:systems)
                      ORDER BY array_position(:systems, k.system) LIMIT 1) c
 ORDER BY f.kind, f.likeness DESC, f.level, c.code
 LIMIT 20
