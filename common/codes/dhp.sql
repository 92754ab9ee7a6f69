-- The living animals of an owner with breed, sex and age in years, in the order of their ids.
SELECT a.code AS animal,
       (SELECT CASE :language WHEN 'en' THEN e.name_en ELSE e.name_id END
          FROM list_entry e WHERE e.list IN ('breed', 'species') AND e.code = a.kind LIMIT 1) AS kind,
       (SELECT CASE :language WHEN 'en' THEN e.name_en ELSE e.name_id END
          FROM list_entry e WHERE e.list = 'sex' AND e.code = a.sex) AS sex,
       shown_decimal(round((current_date - a.born_on) / 365.25, 1)::text, :language::text) AS age
  FROM animal a
 WHERE a.owner = :owner AND a.state = 'alive'
 ORDER BY length(a.code), a.code
 LIMIT 60
