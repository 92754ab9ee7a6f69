-- The registered animals of a case by their numbers in it.
SELECT c.number, a.code AS animal, o.name AS owner, words_of('species', to_jsonb(a.species), :language) AS species
  FROM case_animal c JOIN animal a ON a.id = c.animal JOIN owner o ON o.id = a.owner
 WHERE c.case_id = :case
 ORDER BY c.number
 LIMIT 60
