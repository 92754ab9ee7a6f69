-- lists::search
-- $1 list, $2 text, $3 limit. The best of an entry's words decides its rank.
WITH wanted AS MATERIALIZED (
    SELECT search_key($2::text) AS word
), ranked AS (
    SELECT e.*, best.class, best.near
      FROM list_entry e CROSS JOIN wanted w
      CROSS JOIN LATERAL (
           SELECT min(CASE WHEN k.word = w.word THEN 0
                           WHEN ' ' || k.word || ' ' LIKE '% ' || w.word || ' %' THEN 1
                           WHEN k.word LIKE '%' || w.word || '%' THEN 2
                           ELSE 3 END) AS class,
                  max(similarity(k.word, w.word)) AS near
             FROM unnest(e.search) AS k (word)) best
     WHERE e.list = $1 AND e.retired_at IS NULL AND w.word <> ''
)
SELECT list, code, name_id, name_en, synonyms, parent, source, false AS retired
  FROM ranked WHERE class < 3 OR near >= 0.3
 ORDER BY class, near DESC, position, code
 LIMIT $3
