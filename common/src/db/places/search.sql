-- places::search
-- $1 systems, $2 text, $3 limit. Three indexed looks for candidates, then one order over them.
WITH wanted AS MATERIALIZED (
    SELECT search_key($2::text) AS word
), found AS (
    SELECT p.id, p.level, p.search FROM place p, wanted
     WHERE (p.search LIKE '%' || wanted.word || '%' OR p.search % wanted.word)
       AND p.retired_at IS NULL
), best AS MATERIALIZED (
    SELECT f.id, row_number() OVER (ORDER BY
               CASE WHEN f.search = w.word THEN 0
                    WHEN ' ' || f.search || ' ' LIKE '% ' || w.word || ' %' THEN 1
                    ELSE 2 END,
               similarity(f.search, w.word) DESC, f.level, c.code, f.id) AS rank
      FROM found f CROSS JOIN wanted w
      LEFT JOIN LATERAL (SELECT min(c.code) AS code FROM place_code c
                          WHERE c.place = f.id AND c.valid_to IS NULL) c ON true
     ORDER BY rank LIMIT $3
)
