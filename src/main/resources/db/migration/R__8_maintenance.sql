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
           (SELECT count(*) FROM df.nodes WHERE wake_at IS NOT NULL),
           coalesce((SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))
                     FROM df.instances WHERE status = 'pending'), 0)::double precision
    FROM (SELECT i.status, count(*) AS n FROM df.instances i GROUP BY i.status) AS c
$$;
COMMENT ON FUNCTION df._census() IS 'Instances by status, nodes that wait for a time, and the age of the oldest pending instance.';

-- What ended before this time is deleted. Of two limits the stricter one holds: the age, and the end of the first
-- instance that is one too many.
CREATE OR REPLACE FUNCTION df._oldest_kept(p_days integer, p_keep integer) RETURNS timestamptz
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT greatest(
        clock_timestamp() - make_interval(days => p_days),
        (SELECT coalesce(completed_at, created_at) + interval '1 microsecond' FROM df.instances
         WHERE status IN ('completed', 'failed', 'cancelled')
         ORDER BY coalesce(completed_at, created_at) DESC OFFSET p_keep LIMIT 1))
$$;
COMMENT ON FUNCTION df._oldest_kept(integer, integer) IS
    'Instances that ended before the returned time are older than p_days, or not among the p_keep newest that have ended.';

-- The owner's own. Locked rows are left for the next run: a submitter may hold them for as long as it likes. A cancelled
-- instance that the worker has not wound up (output IS NULL) is still in its memory.
CREATE OR REPLACE FUNCTION df._delete_ended(p_epoch bigint, p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT
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
        WHERE i.status IN ('completed', 'failed', 'cancelled') AND i.created_at < p_before
          AND coalesce(i.completed_at, i.created_at) < p_before
          AND (i.status <> 'cancelled' OR i.output IS NOT NULL)
        LIMIT p_limit FOR UPDATE SKIP LOCKED) e;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    -- The foreign keys between the two tables are checked at COMMIT; those of executions and signals cascade.
    DELETE FROM df.nodes WHERE instance_id = ANY (v_ids);
    DELETE FROM df.instances WHERE id = ANY (v_ids);
    RETURN cardinality(v_ids);
END
$$;
COMMENT ON FUNCTION df._delete_ended(bigint, timestamptz, integer) IS
    'Deletes up to p_limit instances that ended before p_before, with all that belongs to them; returns how many.';

REVOKE EXECUTE ON FUNCTION df._census() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._oldest_kept(integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._delete_ended(bigint, timestamptz, integer) FROM PUBLIC;
