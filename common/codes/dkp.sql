-- Programmes that run today. They are the country's: none has an area.
SELECT id AS number,
       CASE :language WHEN 'en' THEN name_en ELSE name_id END AS name,
       to_char(ends_on, 'DD/MM/YYYY') AS until
  FROM program
 WHERE retired_at IS NULL
   AND (now() AT TIME ZONE 'Asia/Jakarta')::date
       BETWEEN coalesce(starts_on, '-infinity') AND coalesce(ends_on, 'infinity')
 ORDER BY id
 LIMIT 30
