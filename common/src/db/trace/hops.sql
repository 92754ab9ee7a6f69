-- trace::hops: everything that happened to one message and to what it caused. $1 is the trace.
WITH text AS (SELECT * FROM message WHERE trace = $1),
     mails AS (SELECT * FROM mail WHERE trace = $1)
SELECT sent_at AS at, 1 AS rank, 'sent' AS step, id, 'by its sender, on channel ' || channel AS what,
       address, NULL AS text
  FROM text WHERE id NOT IN (SELECT m.id FROM mails m)
UNION ALL
SELECT received_at, 2, 'received', id, 'a text on channel ' || channel, address, text
  FROM text WHERE id NOT IN (SELECT m.id FROM mails m)
UNION ALL
SELECT received_at, 2, 'received', id, concat_ws(', ', 'a mail, kept as ' || blob, flagged), address, subject
  FROM mails
UNION ALL
SELECT decided_at, 3, 'decided', id,
       concat_ws(', ', 'the mail: ' || outcome, reason, 'held until ' || held_until, 'answer ' || answer_id), NULL, NULL
  FROM mails
UNION ALL
SELECT decided_at, 4, 'decided', id,
       concat_ws(', ', CASE WHEN id IN (SELECT m.id FROM mails m) THEN 'command ' || line + 1 END, code, outcome, 'person ' || person, 'answer ' || answer_id),
       NULL, concat_ws(' -> ', text, answer)
  FROM text
UNION ALL
SELECT m.decided_at, 5, 'stored', r.id,
       concat_ws(', ', 'report ' || r.code, 'case ' || r.case_id, 'place ' || r.place, 'withdrawn ' || r.withdrawn_at),
       NULL, r.fields::text
  FROM report r JOIN (SELECT id, min(decided_at) AS decided_at FROM text GROUP BY id) m ON r.message_id = m.id
UNION ALL
SELECT a.at, 6, 'alerted', a.id,
       concat_ws(', ', 'person ' || a.person || ' on channel ' || a.channel, 'step ' || nullif(a.step, 0),
                 CASE WHEN a.held_until IS NOT NULL THEN 'held' END, 'told in ' || a.bundle,
                 'acknowledged ' || a.acknowledged_at), NULL, NULL
  FROM alert a WHERE a.message IN (SELECT id FROM text)
UNION ALL
SELECT claimed_at, 7, 'delivery', id, concat_ws(', ', purpose || ' by ' || channel, 'attempt ' || attempts), address, NULL
  FROM delivery WHERE trace = $1
UNION ALL
SELECT done_at, 8, state, id, concat_ws(', ', reason, 'provider''s id ' || provider_id), NULL, NULL
  FROM delivery WHERE trace = $1 AND done_at IS NOT NULL
UNION ALL
SELECT heard_at, 9, 'heard', id, concat_ws(', ', event, diagnostic), NULL, NULL
  FROM delivery_heard WHERE trace = $1 AND heard_at IS NOT NULL
UNION ALL
SELECT sent_at, 10, 'waits', id,
       concat_ws(', ', 'on ' || name, 'received ' || receives || ' times', CASE WHEN visible_at > now() THEN 'until ' || visible_at END, reason),
       NULL, NULL
  FROM queue WHERE position('"trace":"' || $1::text || '"' IN body) > 0
UNION ALL
SELECT at, 10, 'waits', id, 'in the outbox for ' || queue, NULL, NULL
  FROM outbox WHERE position('"trace":"' || $1::text || '"' IN body) > 0
UNION ALL
SELECT m.at, 11, a.action, m.message, concat_ws(': ', a.who, a.target, a.reason), NULL, NULL
  FROM operator_action_message m JOIN operator_action a ON a.id = m.action WHERE m.trace = $1
ORDER BY at, rank, id
