-- How code files' questions search a list and put codes into words; here once, so that each .sql file says what it
-- asks and nothing else.

-- Entries whose code, name or synonym, in either language, is the words, holds them or looks like them, the
-- likeliest first. Words of which fewer than two letters remain without their punctuation find nothing.
CREATE FUNCTION search_entries(which text, words text, language text)
    RETURNS TABLE (code text, name text) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH wanted AS MATERIALIZED (
        SELECT search_key(words) AS word
    ), named AS (
        SELECT e.code, e.position, e.name_id, e.name_en, n.name
          FROM list_entry e CROSS JOIN LATERAL unnest(e.search) AS n (name)
         WHERE e.list = which AND e.retired_at IS NULL
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
    SELECT r.code, CASE language WHEN 'en' THEN r.name_en ELSE r.name_id END
      FROM ranked r ORDER BY r.kind, r.likeness DESC, r.position LIMIT 15
$$;

-- Codes of one list as report.fields keeps them (one, or an array) in words: 'mencret, demam'.
CREATE FUNCTION words_of(which text, codes jsonb, language text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_agg(CASE language WHEN 'en' THEN e.name_en ELSE e.name_id END, ', ' ORDER BY v.n)
      FROM jsonb_path_query(codes, '$[*]') WITH ORDINALITY AS v (code, n)
      JOIN list_entry e ON e.list = which AND e.code = v.code #>> '{}'
$$;

-- The animals of a report in words, as the engine's text animals_of says it: '5 sapi', 'cattle (5)'.
CREATE FUNCTION animals_of(fields jsonb, language text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_agg(CASE language WHEN 'en' THEN e.name_en || ' (' || (a.item ->> 'number') || ')'
                                    ELSE (a.item ->> 'number') || ' ' || e.name_id END, ', ' ORDER BY a.n)
      FROM jsonb_path_query(fields, '$.animals[*]') WITH ORDINALITY AS a (item, n)
      JOIN list_entry e ON e.list = 'species' AND e.code = a.item ->> 'species'
$$;

-- A date of report.fields ('2014-10-10', '2014-10') as answers print it, no more precise than it was given.
CREATE FUNCTION shown_date(iso text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN concat_ws('/', nullif(substr(iso, 9, 2), ''), substr(iso, 6, 2), substr(iso, 1, 4));

-- A decimal of report.fields as answers print it: '2,5' in Indonesian, '2.5' in English, '5' for 5.0.
CREATE FUNCTION shown_decimal(number text, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(trim_scale(number::numeric)::text, '.', CASE language WHEN 'en' THEN '.' ELSE ',' END);

-- The cases that somebody opened (LAPP).
CREATE INDEX disease_case_opened_by ON disease_case (opened_by, id DESC);
