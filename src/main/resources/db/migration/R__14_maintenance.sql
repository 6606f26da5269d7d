-- What maintenance calls (specification 4.12): counting, and deleting what ended long ago. All of it is the owner's.

-- Index-only scans of idx_instances_status and idx_nodes_wake_at.
CREATE OR REPLACE FUNCTION df._census() RETURNS TABLE (
    pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, waiting_timers bigint,
    oldest_pending_seconds double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET statement_timeout = '10s'
AS $$
    SELECT coalesce(sum(c.n) FILTER (WHERE c.status = 'pending'), 0)::bigint,
           coalesce(sum(c.n) FILTER (WHERE c.status = 'running'), 0)::bigint,
           coalesce(sum(c.n) FILTER (WHERE c.status = 'completed'), 0)::bigint,
           coalesce(sum(c.n) FILTER (WHERE c.status = 'failed'), 0)::bigint,
           coalesce(sum(c.n) FILTER (WHERE c.status = 'cancelled'), 0)::bigint,
           (SELECT count(*) FROM df._inbox WHERE wake_at < 'infinity'),
           coalesce((SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))
                     FROM df.instances WHERE status = 'pending'), 0)::double precision
    FROM (SELECT i.status, count(*) AS n FROM df.instances i GROUP BY i.status) AS c
$$;
COMMENT ON FUNCTION df._census() IS 'Instances by status, nodes that wait for a time, and the age of the oldest pending instance.';

-- Two limits: the age, and the newest instance that is one too many. Many can have ended at the same time (created_at is
-- that of the transaction), hence the id.
CREATE OR REPLACE FUNCTION df._retention_limits(p_days integer, p_keep integer) RETURNS TABLE (
    older_than timestamptz, too_many_at timestamptz, too_many_id text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clock_timestamp() - make_interval(days => p_days), x.ended_at, x.id
    FROM (SELECT) AS one LEFT JOIN (
        SELECT coalesce(i.completed_at, i.created_at) AS ended_at, i.id::text AS id FROM df.instances i
        WHERE i.status IN ('completed', 'failed', 'cancelled')
        ORDER BY 1 DESC, 2 DESC OFFSET p_keep LIMIT 1) AS x ON true
$$;
COMMENT ON FUNCTION df._retention_limits(integer, integer) IS
    'What ended before older_than is older than p_days; from the instance too_many_id on, which ended at too_many_at, the older ones are more than p_keep. NULL when there are not so many.';

-- The owner's own. Locked rows are left for the next run: a submitter may hold them for as long as it likes. A cancelled
-- instance that the worker has not wound up (output IS NULL) is still in its memory.
CREATE OR REPLACE FUNCTION df._delete_ended(
    p_epoch bigint, p_older_than timestamptz, p_too_many_at timestamptz, p_too_many_id text, p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_ids text[];
BEGIN
    PERFORM df._fence(p_epoch);
    -- An instance ends after it was created, so that the index on (status, created_at) finds the candidates.
    SELECT array_agg(e.id::text) INTO v_ids FROM (
        SELECT i.id FROM df.instances i
        WHERE i.status IN ('completed', 'failed', 'cancelled') AND i.created_at <= greatest(p_older_than, p_too_many_at)
          AND (coalesce(i.completed_at, i.created_at) < p_older_than
               OR (coalesce(i.completed_at, i.created_at), i.id::text) <= (p_too_many_at, p_too_many_id))
          AND (i.status <> 'cancelled' OR i.output IS NOT NULL)
        LIMIT p_limit FOR UPDATE SKIP LOCKED) e;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    -- The foreign keys between the two tables are checked at COMMIT; those of executions and signals cascade.
    DELETE FROM df._nodes WHERE instance_id = ANY (v_ids);
    DELETE FROM df._checkpoints WHERE instance_id = ANY (v_ids);
    DELETE FROM df._running WHERE instance_id = ANY (v_ids);
    DELETE FROM df.instances WHERE id = ANY (v_ids);
    RETURN cardinality(v_ids);
END
$$;
COMMENT ON FUNCTION df._delete_ended(bigint, timestamptz, timestamptz, text, integer) IS
    'Deletes up to p_limit instances beyond the limits of df._retention_limits, with all that belongs to them; returns how many.';

REVOKE EXECUTE ON FUNCTION df._census() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._retention_limits(integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._delete_ended(bigint, timestamptz, timestamptz, text, integer) FROM PUBLIC;
