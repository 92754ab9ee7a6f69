-- Infrastructure of one type in a place; where there is none, in the smallest area around it that has some, at last in
-- the whole country: eight laboratories serve it. Nearer ones first where points are known.
WITH here AS MATERIALIZED (
    SELECT path, coalesce(point, ST_Centroid(area)) AS point FROM place WHERE id = :place
), found AS (
    SELECT i.code, i.name, u.name AS near,
           (SELECT count(*) FROM unnest(w.path) AS step WHERE step = ANY (h.path)) AS shared,
           coalesce(i.point, w.point, ST_Centroid(w.area)) <-> h.point AS far
      FROM infrastructure i
      JOIN place w ON w.id = i.place
      JOIN place u ON u.id = w.path[least(2, cardinality(w.path))]
     CROSS JOIN here h
     WHERE i.type = :type AND i.retired_at IS NULL
)
SELECT code, name, near
  FROM found
 WHERE shared = (SELECT max(shared) FROM found)
 ORDER BY far NULLS LAST, code
 LIMIT 15
