-- The entries of one list in the order of its file.
SELECT e.code, CASE :language WHEN 'en' THEN e.name_en ELSE e.name_id END AS name
  FROM list_entry e
 WHERE e.list = :type AND e.retired_at IS NULL
 ORDER BY e.position, e.code
 LIMIT 60
