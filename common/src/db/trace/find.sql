-- trace::find: traces that a name may mean. $1 is a whole id, or NULL; $2 the beginning or end of one, without hyphens.
SELECT DISTINCT trace FROM (
    SELECT trace, id FROM message
    UNION ALL SELECT trace, id FROM mail
    UNION ALL SELECT trace, id FROM delivery
    UNION ALL SELECT trace, message FROM operator_action_message
    UNION ALL SELECT substring(body FROM '"trace":"([0-9a-f-]{36})"')::uuid, id FROM queue
) AS seen
WHERE trace = $1 OR id = $1
   OR $1 IS NULL AND (replace(trace::text, '-', '') LIKE $2 || '%' OR replace(trace::text, '-', '') LIKE '%' || $2
                      OR replace(id::text, '-', '') LIKE $2 || '%')
LIMIT 20
