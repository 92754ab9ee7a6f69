-- people::show
-- $1 an address or a part of a name; $2 an id, and then $1 does not matter.
WITH words AS (
    SELECT p.id AS place, string_agg(a.name, ', ' ORDER BY a.level DESC) AS text
      FROM place p JOIN place a ON a.id = ANY(p.path)
     WHERE p.id IN (SELECT home_place FROM person UNION SELECT place FROM person_area)
     GROUP BY p.id
), addressed AS (
    SELECT person FROM contact WHERE address IN ($1, lower($1)) AND person IS NOT NULL
)
SELECT p.id, p.name, p.language, p.user_type, p.state, p.training,
       (SELECT w.text FROM words w WHERE w.place = p.home_place) AS home,
       ARRAY(SELECT w.text FROM person_area a JOIN words w USING (place)
              WHERE a.person = p.id ORDER BY w.text) AS areas,
       ARRAY(SELECT m.user_group FROM person_group m
              WHERE m.person = p.id ORDER BY m.user_group) AS groups,
       ARRAY(SELECT g.name_en FROM person_group m JOIN user_group g ON g.code = m.user_group
              WHERE m.person = p.id ORDER BY m.user_group) AS group_names,
       ARRAY(SELECT CASE WHEN x.granted THEN '+' ELSE '-' END || x.permission FROM person_permission x
              WHERE x.person = p.id ORDER BY x.permission) AS permissions
  FROM person p
 WHERE p.id = $2
    OR ($2::bigint IS NULL AND p.id IN (SELECT person FROM addressed))
    OR ($2::bigint IS NULL AND NOT EXISTS (SELECT FROM addressed) AND search_key($1) <> ''
        AND search_key(p.name) LIKE '%' || search_key($1) || '%')
 ORDER BY p.name, p.id
 LIMIT 50
