-- channels::judge
-- A text counts by its last piece: in time when that arrived (or, without receipts, was handed over)
-- within the time since it was queued. While a channel is slow only what was handed over since its
-- last probes counts as well: fewer than `least` texts then judge it, so that it gets its traffic back.
WITH last AS (
    SELECT p.delivery, p.sent_at,
           CASE WHEN $4 THEN (SELECT min(r.at) FROM text_receipt r
                               WHERE r.channel = p.channel AND r.provider_id = p.provider_id
                                 AND r.state IN ('delivered', 'read'))
                ELSE p.handed_at END AS arrived
      FROM text_piece p
     WHERE p.channel = $1 AND p.piece = p.pieces
       AND p.handed_at > clock_timestamp() - make_interval(secs => $3)
), counted AS (
    SELECT count(*) AS handed,
           count(*) FILTER (WHERE arrived <= sent_at + make_interval(secs => $2)) AS in_time
      FROM last
     WHERE arrived <= sent_at + make_interval(secs => $2)
        OR sent_at < clock_timestamp() - make_interval(secs => $2)
), recent AS (
    SELECT count(*) AS handed, count(*) FILTER (WHERE ok) AS in_time
      FROM (SELECT arrived <= sent_at + make_interval(secs => $2) AS ok FROM last
             WHERE arrived <= sent_at + make_interval(secs => $2)
                OR sent_at < clock_timestamp() - make_interval(secs => $2)
             ORDER BY sent_at DESC LIMIT 3) newest
), judged AS (
    SELECT s.channel, c.handed, c.in_time,
           CASE WHEN s.connected IS NULL OR s.connected < clock_timestamp() - make_interval(secs => $7) THEN 'away'
                WHEN s.health = 'slow' AND r.handed >= 3 AND r.in_time = 3 THEN 'good'
                WHEN s.health = 'slow' THEN 'slow'
                WHEN c.handed >= $5 AND c.in_time < c.handed * $6::float8
                     AND r.in_time < r.handed THEN 'slow'
                ELSE 'good' END AS health
      FROM channel_state s, counted c, recent r WHERE s.channel = $1
), written AS (
    UPDATE channel_state s
       SET handed = j.handed, in_time = j.in_time, health = j.health,
           since = CASE WHEN s.health = j.health THEN s.since ELSE clock_timestamp() END
      FROM judged j, (SELECT channel, health FROM channel_state WHERE channel = $1 FOR UPDATE) before
     WHERE s.channel = j.channel AND before.channel = s.channel
    RETURNING s.health, before.health AS was
)
SELECT health FROM written WHERE health <> was
