-- Females in heat of the last three days without an insemination since, the latest first: of the sender's areas and home or,
-- when the message names a place, of that, be it their own village. Three days: a heat lasts one, and what comes later waits for the next.
WITH wanted AS (
    SELECT CASE WHEN :named_place::bigint IS NULL
                THEN ARRAY(SELECT a.place FROM person_area a WHERE a.person = p.id) || p.home_place
                ELSE ARRAY[:named_place::bigint] END AS places
      FROM person p WHERE p.id = :sender)
SELECT to_char(r.sent_at AT TIME ZONE 'Asia/Jakarta', 'DD/MM/YYYY') AS date,
       a.code AS animal, o.name AS owner, o.id AS number,
       (SELECT k.digits FROM owner_key k WHERE k.owner = o.id AND k.kind = 'phone') AS phone,
       h.name AS village
  FROM report r
  JOIN place h ON h.id = r.place
  JOIN report_subject s ON s.report = r.id AND s.kind = 'animal'
  JOIN animal a ON a.id = s.subject AND a.state = 'alive'
  JOIN owner o ON o.id = a.owner
 WHERE r.code = 'BH' AND r.received_at > now() - interval '3 days' AND r.withdrawn_at IS NULL
   AND h.path && (SELECT w.places FROM wanted w)
   AND NOT EXISTS (SELECT FROM report_subject i JOIN report b ON b.received_at = i.received_at AND b.id = i.report
                    WHERE i.kind = 'animal' AND i.subject = a.id AND NOT i.withdrawn
                      AND i.received_at > now() - interval '4 days' AND b.code = 'IB' AND b.sent_at >= r.sent_at)
 ORDER BY r.sent_at DESC
 LIMIT 20
