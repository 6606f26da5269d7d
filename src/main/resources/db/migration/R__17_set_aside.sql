-- Instances that may be what ends the worker (ADR 110). All of it is the owner's.

-- What has been committed of it: a number that grows. Items of maps are decided by themselves.
CREATE OR REPLACE FUNCTION df._progress(p_instance text) RETURNS integer
LANGUAGE plpgsql STABLE STRICT
AS $$
BEGIN
    RETURN (SELECT coalesce(max(c.version), 0) FROM df._checkpoints c WHERE c.instance_id = p_instance)
        + least(1000000000, (SELECT coalesce(sum(m.opened + m.completed + m.failed), 0) FROM df._maps m WHERE m.instance_id = p_instance))::integer;
END
$$;
COMMENT ON FUNCTION df._progress(text) IS 'The progress of an instance. Called with the settings of its callers.';

-- Before a leader works on what an earlier one has left. Not waited for: it is the worker that may be gone next, not the server.
CREATE OR REPLACE FUNCTION df._try(p_epoch bigint, p_instances text[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO df._tries AS t (instance_id, version, epoch)
    SELECT x.instance_id, df._progress(x.instance_id), p_epoch
    FROM df._inbox x WHERE x.instance_id = ANY (p_instances)
    ORDER BY x.instance_id
    ON CONFLICT (instance_id) DO UPDATE SET
        tries = CASE WHEN t.version = excluded.version THEN t.tries + 1 ELSE 1 END,
        quick = CASE WHEN t.version = excluded.version THEN t.quick + 1 ELSE 1 END,
        version = excluded.version, epoch = excluded.epoch, tried_at = excluded.tried_at
    WHERE t.epoch <> excluded.epoch AND t.set_aside_at IS NULL;
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._try(bigint, text[]) IS
    'Notes that a term takes over instances of earlier ones, once for each term.';

-- At the beginning of a term. Two leaders that ended within seconds, or five that ended at all, while nothing of the instance was
-- committed: nobody works on it any more. A row that its user has locked waits for the next term: it may be being cancelled.
CREATE OR REPLACE FUNCTION df._suspects(p_epoch bigint, p_survived bigint)
RETURNS TABLE (instance_id text, tries integer, is_set_aside boolean)
LANGUAGE plpgsql VOLATILE STRICT ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM df._tries t
    WHERE NOT EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = t.instance_id)
       OR t.set_aside_at IS NULL AND t.version < df._progress(t.instance_id);
    UPDATE df._tries t SET tries = t.tries - 1, quick = 0 WHERE t.epoch = p_survived AND t.set_aside_at IS NULL;
    RETURN QUERY
    WITH locked AS (
        SELECT i.id FROM df._tries t JOIN df.instances i ON i.id = t.instance_id
        WHERE t.set_aside_at IS NULL AND (t.quick >= 2 OR t.tries >= 5) AND i.status IN ('pending', 'running')
        FOR NO KEY UPDATE OF i SKIP LOCKED
    ), aside AS (
        UPDATE df._tries t SET set_aside_at = clock_timestamp() FROM locked WHERE t.instance_id = locked.id
        RETURNING t.instance_id, t.tries
    ), asleep AS (
        UPDATE df._inbox x SET wake_at = 'infinity' FROM aside WHERE x.instance_id = aside.instance_id
    ), shown AS (
        -- It was taken up, whether anybody had the time to say so or not.
        UPDATE df.instances i SET status = 'running', started_at = coalesce(i.started_at, clock_timestamp()),
                                  updated_at = clock_timestamp()
        FROM locked WHERE i.id = locked.id AND i.status = 'pending'
    )
    SELECT a.instance_id::text, a.tries, true FROM aside a
    UNION ALL
    SELECT t.instance_id::text, t.tries, false FROM df._tries t
    WHERE t.set_aside_at IS NULL AND t.quick > 0 AND NOT EXISTS (SELECT FROM aside a WHERE a.instance_id = t.instance_id);
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._suspects(bigint, bigint) IS
    'Sets aside instances with which several leaders have ended, and returns them, and those with which the latest leader has ended. Instances that the term p_survived took over do not count: its leader lives.';

-- Who was worked on for so long and has ended nobody is no suspect.
CREATE OR REPLACE FUNCTION df._survived(p_epoch bigint, p_all boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM df._tries t
    WHERE t.epoch = p_epoch AND NOT EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = t.instance_id);
    UPDATE df._tries t SET quick = 0, tries = t.tries - CASE WHEN p_all THEN 1 ELSE 0 END
    WHERE t.epoch = p_epoch AND t.set_aside_at IS NULL
      AND (p_all OR t.quick > 0 AND t.tried_at < clock_timestamp() - interval '5 seconds');
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._survived(bigint, boolean) IS
    'Notes that a term has lasted five seconds with the instances that it took over, or, of all of them, that it ends in order.';

CREATE OR REPLACE FUNCTION df.resume(instance_id text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df._tries t WHERE t.instance_id = resume.instance_id AND t.set_aside_at IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance % is not set aside', instance_id USING ERRCODE = 'no_data_found',
            HINT = 'SELECT instance_id FROM df._tries WHERE set_aside_at IS NOT NULL lists those that are.';
    END IF;
    -- As one that was started just now.
    UPDATE df._inbox x SET wake_at = NULL, xid = pg_current_xact_id() WHERE x.instance_id = resume.instance_id;
    PERFORM df._wake_worker();
    RETURN format('Instance %s goes on', instance_id);
END
$$;
COMMENT ON FUNCTION df.resume(text) IS
    'Releases an instance that was set aside because leaders ended while they worked on it. Reserved to the owner of schema df.';

-- One that is set aside is in no worker's memory, and must not come into one to be wound up.
CREATE OR REPLACE FUNCTION df._end_set_aside(p_instance text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df._tries t WHERE t.instance_id = p_instance AND t.set_aside_at IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE df.instances SET output = concat('canceled: ', coalesce(p_reason, 'Cancelled by user')) WHERE id = p_instance;
    DELETE FROM df._inbox WHERE instance_id = p_instance;
    DELETE FROM df._running WHERE instance_id = p_instance;
    PERFORM df._end_maps(p_instance, '[{"node": "*"}]', false);
    RETURN true;
END
$$;
COMMENT ON FUNCTION df._end_set_aside(text, text) IS
    'Internal: ends an instance that was set aside and is cancelled; false when it was not.';

REVOKE EXECUTE ON FUNCTION df._progress(text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._try(bigint, text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._suspects(bigint, bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._survived(bigint, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df.resume(text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._end_set_aside(text, text) FROM PUBLIC;
