-- The breeds of one species in the order of their list.
SELECT e.code, CASE :language WHEN 'en' THEN e.name_en ELSE e.name_id END AS name
  FROM list_entry e
 WHERE e.list = 'breed' AND e.parent = :species AND e.retired_at IS NULL
 ORDER BY e.position, e.code
 LIMIT 60
