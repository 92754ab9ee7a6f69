-- The last permits that crossed the border of an area, newest first; those that stayed inside it only
-- when no direction was asked for.
WITH entry AS NOT MATERIALIZED (
    SELECT list, code, CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name FROM list_entry),
crossing AS (
    SELECT p.*, CASE WHEN NOT o.path @> ARRAY[:place::bigint] THEN 'in'
                     WHEN NOT d.path @> ARRAY[:place::bigint] THEN 'out' ELSE 'within' END AS way
      FROM permit p JOIN place o ON o.id = p.origin JOIN place d ON d.id = p.destination
     WHERE p.state = 'valid' AND (o.path @> ARRAY[:place::bigint] OR d.path @> ARRAY[:place::bigint]))
SELECT p.id AS number,
       to_char(p.issued_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       p.way,
       -- The regency at the other end, which everybody knows; inside the area the village.
       (SELECT a.name FROM place h JOIN place a ON a.id = ANY (h.path)
         WHERE h.id = CASE p.way WHEN 'in' THEN p.origin ELSE p.destination END
           AND (a.level = 2 OR a.id = h.id)
         ORDER BY (a.level = 2) = (p.way <> 'within') DESC LIMIT 1) AS other,
       (SELECT string_agg((a.item ->> 'number') || ' ' || e.name, ', ' ORDER BY a.n)
          FROM jsonb_array_elements(p.fields -> 'animals') WITH ORDINALITY AS a (item, n)
          JOIN entry e ON e.list IN ('species', 'breed') AND e.code = a.item ->> 'species') AS animals
  FROM crossing p
 WHERE :direction::text IS NULL OR p.way = CASE :direction::text WHEN 'MSK' THEN 'in' ELSE 'out' END
 ORDER BY p.issued_at DESC, p.id DESC
 LIMIT 12
