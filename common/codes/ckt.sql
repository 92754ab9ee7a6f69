-- Signs whose name or synonym, in either language, is the word, holds it or looks like it. A word
-- of which fewer than two letters remain without its punctuation finds nothing.
WITH wanted AS MATERIALIZED (
    SELECT search_key(:words::text) AS word
), named AS (
    SELECT e.code, e.position, e.name_id, e.name_en, n.name
      FROM list_entry e
     CROSS JOIN LATERAL unnest(e.search) AS n (name)
     WHERE e.list = 'sign' AND e.retired_at IS NULL
), ranked AS (
    SELECT n.code, n.position, n.name_id, n.name_en,
           min(CASE WHEN n.name = w.word THEN 0
                    WHEN ' ' || n.name || ' ' LIKE '% ' || w.word || ' %' THEN 1
                    WHEN n.name LIKE '%' || w.word || '%' THEN 2
                    ELSE 3 END) AS kind,
           max(similarity(n.name, w.word)) AS likeness
      FROM named n, wanted w
     WHERE length(w.word) >= 2
       AND (n.name LIKE '%' || w.word || '%' OR similarity(n.name, w.word) >= 0.35)
     GROUP BY n.code, n.position, n.name_id, n.name_en
)
SELECT code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name
  FROM ranked
 ORDER BY kind, likeness DESC, position
 LIMIT 15
