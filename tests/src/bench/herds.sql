-- Owners 0 to :last with two cows each. Owner k lives where vet k % vets does, and is called by the number 1000001 + k
-- and by a telephone that ends with k. Statements are cut at their semicolons and run one by one.
TRUNCATE owner CASCADE;
INSERT INTO owner (id, name, place, registered_at) OVERRIDING SYSTEM VALUE
SELECT 1000001 + k, 'Peternak ' || k, v.homes[1 + k % cardinality(v.homes)], now() - interval '2 years'
  FROM generate_series(0, :last) AS k,
       (SELECT array_agg(p.home_place ORDER BY p.id) AS homes FROM person p
         WHERE p.user_type = 'VET' AND p.name LIKE 'Petugas %') AS v;
INSERT INTO owner_key (owner, kind, digits)
SELECT 1000001 + k, 'number', (1000001 + k)::text FROM generate_series(0, :last) AS k
UNION ALL
SELECT 1000001 + k, 'phone', '08135' || lpad(k::text, 7, '0') FROM generate_series(0, :last) AS k;
INSERT INTO animal (owner, code, kind, species, sex, born_on, registered_at)
SELECT 1000001 + k, 'A' || a, 'SPBA', 'SP', 'B', current_date - 1800, now() - interval '2 years'
  FROM generate_series(0, :last) AS k, generate_series(1, 2) AS a;
SELECT setval(pg_get_serial_sequence('owner', 'id'), max(id)) FROM owner;
ANALYZE
