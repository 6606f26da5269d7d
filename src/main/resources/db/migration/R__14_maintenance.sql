-- What maintenance calls (specification 4.12): counting, and deleting what ended long ago. All of it is the owner's.

-- Exact as long as counting is cheap. Of more rows than that the statistics of the table say enough for a gauge: nothing that is
-- asked every few seconds may read a million rows.
CREATE OR REPLACE FUNCTION df._share_of_pages(of_table regclass, most integer) RETURNS double precision
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN t.pages <= 5000 THEN 1 ELSE most / t.pages END
FROM (SELECT pg_relation_size(of_table) / current_setting('block_size')::float8 AS pages) AS t
$$;
COMMENT ON FUNCTION df._share_of_pages(regclass, integer) IS
    'Internal: the share that so many pages have in those of a table; 1 when it is small enough to be read as a whole.';

CREATE OR REPLACE FUNCTION df._weight(of_table regclass, share double precision, sampled bigint) RETURNS double precision
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN share = 1 OR sampled = 0 THEN 1
            WHEN c.reltuples > 0 THEN c.reltuples / sampled
            ELSE 1 / share END
FROM pg_class c WHERE c.oid = of_table
$$;
COMMENT ON FUNCTION df._weight(regclass, double precision, bigint) IS
    'Internal: for how many rows of a table each of those stands that were found in this share of its pages.';

CREATE OR REPLACE FUNCTION df._census() RETURNS TABLE (
    pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, waiting_timers bigint,
    oldest_pending_seconds double precision)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET statement_timeout = '10s' SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    most CONSTANT integer := 20000;
    instances bigint := (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'df.instances'::regclass);
    unfinished bigint := (SELECT count(*) FROM (SELECT FROM df._inbox LIMIT most) AS x);
    shares jsonb;
    ended bigint;
    sampled double precision;
BEGIN
    -- Before the first ANALYZE, and while many are started, the statistics know of few rows or of none.
    IF instances <= most THEN
        instances := (SELECT count(*) FROM (SELECT FROM df.instances LIMIT most + 1) AS x);
        IF instances > most THEN
            sampled := df._share_of_pages('df.instances', 500);
            SELECT greatest(most + 1, sum(s.n) / sampled),
                   jsonb_object_agg(s.status, s.n / nullif(s.ended, 0)) FILTER (WHERE s.status IN ('completed', 'failed', 'cancelled'))
            INTO instances, shares
            FROM (SELECT i.status, count(*) AS n,
                         sum(count(*)) FILTER (WHERE i.status IN ('completed', 'failed', 'cancelled')) OVER () AS ended
                  FROM df.instances i TABLESAMPLE SYSTEM (100 * sampled) REPEATABLE (0) GROUP BY i.status) AS s;
        END IF;
    END IF;
    IF unfinished = most THEN
        unfinished := greatest(most, (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'df._inbox'::regclass));
        waiting_timers := unfinished - (SELECT count(*) FROM (SELECT FROM df._inbox x WHERE x.wake_at IS NULL LIMIT most) AS y);
    ELSE
        waiting_timers := (SELECT count(*) FROM df._inbox x WHERE x.wake_at < 'infinity');
    END IF;
    IF instances <= most THEN
        SELECT count(*) FILTER (WHERE i.status = 'pending'), count(*) FILTER (WHERE i.status = 'running'),
               count(*) FILTER (WHERE i.status = 'completed'), count(*) FILTER (WHERE i.status = 'failed'),
               count(*) FILTER (WHERE i.status = 'cancelled')
        INTO pending, running, completed, failed, cancelled
        FROM df.instances i;
    ELSE
        pending := (SELECT count(*) FROM (SELECT x.instance_id FROM df._inbox x WHERE x.wake_at IS NULL LIMIT most) AS x
                    JOIN df.instances i ON i.id = x.instance_id WHERE i.status = 'pending');
        running := unfinished - pending;
        ended := greatest(0, instances - unfinished);
        SELECT coalesce(jsonb_object_agg(v.status, v.share / nullif(v.total, 0)), shares) INTO shares
        FROM (SELECT u.status, u.share, sum(u.share) OVER () AS total
              FROM pg_stats s CROSS JOIN LATERAL unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS u(status, share)
              WHERE s.schemaname = 'df' AND s.tablename = 'instances' AND s.attname = 'status'
                AND u.status IN ('completed', 'failed', 'cancelled')) AS v;
        failed := coalesce(round(ended * (shares ->> 'failed')::float8), 0);
        cancelled := coalesce(round(ended * (shares ->> 'cancelled')::float8), 0);
        completed := ended - failed - cancelled;
    END IF;
    SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(o.created_at))) INTO oldest_pending_seconds
    FROM (SELECT i.created_at FROM (SELECT x.instance_id FROM df._inbox x WHERE x.wake_at IS NULL
                                    ORDER BY x.xid, x.instance_id LIMIT most) AS x
          JOIN df.instances i ON i.id = x.instance_id WHERE i.status = 'pending' LIMIT 1) AS o;
    oldest_pending_seconds := coalesce(oldest_pending_seconds, 0);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION df._census() IS 'Instances by status, those that wait for a time, and the age of the oldest pending one. Of more than 20,000 about as many as the statistics say.';

-- Limits of age, for all roles, and of number, for those that have too many. Of more than p_keep each role keeps an equal part, and what some
-- do not need goes to the others: a role that ends thousands in an hour takes nothing from the history of the rest. Instances count by when
-- they were started, which is the order of the index; many can have been started at the same time (created_at is that of the transaction),
-- hence the id.
DROP FUNCTION IF EXISTS df._retention_limits(integer, integer);
CREATE FUNCTION df._retention_limits(p_days integer, p_keep integer) RETURNS TABLE (
    role_oid bigint, older_than timestamptz, too_many_at timestamptz, too_many_id text)
LANGUAGE plpgsql STABLE STRICT ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off
AS $$
DECLARE
    v_roles bigint[];
    v_counts bigint[];
    v_left bigint := p_keep;
    v_each bigint;
BEGIN
    older_than := clock_timestamp() - make_interval(days => p_days);
    RETURN NEXT;
    older_than := NULL;
    IF NOT EXISTS (SELECT FROM df.instances i WHERE i.status IN ('completed', 'failed', 'cancelled') OFFSET p_keep) THEN
        RETURN;
    END IF;
    WITH RECURSIVE roles AS (
        (SELECT i.submitted_by::oid AS role FROM df.instances i ORDER BY i.submitted_by LIMIT 1)
        UNION ALL
        SELECT (SELECT i.submitted_by::oid FROM df.instances i WHERE i.submitted_by > r.role ORDER BY i.submitted_by LIMIT 1)
        FROM roles r WHERE r.role IS NOT NULL)
    SELECT array_agg(c.role ORDER BY c.ended, c.role), array_agg(c.ended ORDER BY c.ended, c.role) INTO v_roles, v_counts
    FROM (SELECT r.role::bigint, (SELECT count(*) FROM (
              SELECT FROM df.instances i
              WHERE i.submitted_by = r.role AND i.status IN ('completed', 'failed', 'cancelled') LIMIT p_keep + 1) AS x) AS ended
          FROM roles r WHERE r.role IS NOT NULL) AS c;
    -- Those that have the least first.
    FOR n IN 1 .. coalesce(cardinality(v_roles), 0) LOOP
        v_each := greatest(v_left / (cardinality(v_roles) - n + 1), least(1, p_keep));
        v_left := greatest(0, v_left - least(v_counts[n], v_each));
        IF v_counts[n] > v_each THEN
            role_oid := v_roles[n];
            SELECT i.created_at, i.id INTO too_many_at, too_many_id FROM df.instances i
            WHERE i.submitted_by = role_oid::oid AND i.status IN ('completed', 'failed', 'cancelled')
            ORDER BY i.created_at DESC, i.id OFFSET v_each LIMIT 1;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._retention_limits(integer, integer) IS
    'The limits of retention. First, for all roles: instances that ended before older_than are older than p_days. Then of each role that has more than its part of p_keep: from the instance too_many_id on, which was started at too_many_at, those that were started earlier are too many.';

-- The owner's own. Locked rows are left for the next run: a submitter may hold them for as long as it likes. A cancelled
-- instance that the worker has not wound up (output IS NULL) is still in its memory.
DROP FUNCTION IF EXISTS df._delete_ended(bigint, timestamptz, timestamptz, text, integer);
CREATE OR REPLACE FUNCTION df._delete_ended(
    p_epoch bigint, p_older_than timestamptz, p_too_many_at timestamptz, p_too_many_id text, p_limit integer, p_role bigint DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_ids text[];
BEGIN
    PERFORM df._fence(p_epoch);
    -- An instance ends after it was created, so that the index on created_at finds the candidates.
    SELECT array_agg(e.id::text) INTO v_ids FROM (
        SELECT i.id FROM df.instances i
        WHERE i.status IN ('completed', 'failed', 'cancelled') AND i.created_at <= greatest(p_older_than, p_too_many_at)
          AND (p_role IS NULL OR i.submitted_by = p_role::oid)
          -- One that was let go on and failed again is as old as that.
          AND (coalesce(i.completed_at, (SELECT max(e.ended_at) FROM df.executions e WHERE e.instance_id = i.id AND e.status IS NOT NULL),
                        i.created_at) < p_older_than
               OR i.created_at < p_too_many_at OR i.created_at = p_too_many_at AND i.id::text >= p_too_many_id)
          AND (i.status <> 'cancelled' OR i.output IS NOT NULL)
          AND (i.parent_id IS NULL OR NOT EXISTS (
              SELECT FROM df.instances p WHERE p.id = i.parent_id AND p.status IN ('pending', 'running')))
        ORDER BY i.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED) e;
    -- Marks that were set when their instance had just ended.
    DELETE FROM df._running r WHERE r.marked_at < clock_timestamp() - interval '1 hour'
        AND NOT EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = left(r.instance_id, 8));
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    -- Those of executions and signals go with the instance.
    DELETE FROM df._nodes WHERE instance_id = ANY (v_ids);
    DELETE FROM df._checkpoints WHERE instance_id = ANY (v_ids);
    DELETE FROM df._running WHERE instance_id = ANY (v_ids);
    DELETE FROM df._inbox WHERE instance_id = ANY (v_ids);
    DELETE FROM df._cancels WHERE instance_id = ANY (v_ids);
    DELETE FROM df._tries WHERE instance_id = ANY (v_ids);
    DELETE FROM df._calls WHERE child_id = ANY (v_ids);
    DELETE FROM df.instances WHERE id = ANY (v_ids);
    RETURN cardinality(v_ids);
END
$$;
COMMENT ON FUNCTION df._delete_ended(bigint, timestamptz, timestamptz, text, integer, bigint) IS
    'Deletes up to p_limit instances, of a role or of all, beyond the limits of df._retention_limits, with all that belongs to them; returns how many.';

REVOKE EXECUTE ON FUNCTION df._census() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._share_of_pages(regclass, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._weight(regclass, double precision, bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._retention_limits(integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._delete_ended(bigint, timestamptz, timestamptz, text, integer, bigint) FROM PUBLIC;
