-- Admission (ADR 170): which of the instances that are held may begin. Called by the worker that leads, beside its exchanges. All of it
-- is the owner's.
--
-- Limits are counted from rows, by an index, and under a lock of the queue's row: so what a former leader has admitted a moment ago
-- counts. What is admitted is committed, and is found by the worker as what has just been started (df._news). Nobody waits here for
-- what a submitter can lock: such rows are left for the next call.

-- Something of it is committed, lasts, or waits; a section counts from when it was told that it has its slot.
CREATE OR REPLACE FUNCTION df._has_begun(p_start df._starts) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_since timestamptz := p_start.admitted_at;
BEGIN
    IF p_start.section <> '' THEN
        v_since := (SELECT s.consumed_at FROM df.signals s WHERE s.id = p_start.signal);
        IF v_since IS NULL THEN
            RETURN false;
        ELSIF EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = p_start.subject AND x.wake_at IS NOT NULL)
            OR EXISTS (SELECT FROM df._worker_epoch e WHERE greatest(e.started_at, v_since) < clock_timestamp() - interval '1 minute') THEN
            RETURN true;
        END IF;
    END IF;
    RETURN EXISTS (SELECT FROM df._checkpoints c WHERE c.instance_id = coalesce(p_start.subject, p_start.instance_id) AND c.written_at >= v_since)
        -- What a former term has shown as running begins anew in this one.
        OR EXISTS (SELECT FROM df._running r
                   WHERE r.instance_id = coalesce(p_start.subject, p_start.instance_id) AND r.marked_at >= CASE p_start.section WHEN ''
                       THEN greatest(v_since, (SELECT e.started_at FROM df._worker_epoch e WHERE e.started_at > clock_timestamp() - interval '1 minute'))
                       ELSE v_since END);
END
$$;
COMMENT ON FUNCTION df._has_begun(df._starts) IS
    'Whether an admitted instance or section is known to have begun. Called with the settings of its callers.';

-- How many may be admitted now; if none, when it is worth asking again, unless something ends before.
CREATE OR REPLACE FUNCTION df._free_slots(p_queue df._queues, OUT free integer, OUT next_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    free := 100;
    IF p_queue.paused_at IS NOT NULL THEN
        free := 0;
        RETURN;
    END IF;
    IF p_queue.concurrency IS NOT NULL THEN
        free := least(free, p_queue.concurrency - (SELECT count(*) FROM (
            SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.admitted_at IS NOT NULL AND s.ended_at IS NULL
            LIMIT p_queue.concurrency) AS r));
    END IF;
    IF p_queue.rate IS NOT NULL AND free > 0 THEN
        -- What was admitted and may begin at any moment counts until it is known to have begun, however long ago it was admitted.
        UPDATE df._queue_begins b SET began_at = clock_timestamp()
        WHERE b.queue = p_queue.id AND b.began_at = 'infinity' AND NOT EXISTS (
            SELECT FROM df._starts s
            WHERE s.instance_id = b.instance_id AND s.section = b.section AND s.ended_at IS NULL AND NOT df._has_begun(s));
        DELETE FROM df._queue_begins b WHERE b.queue = p_queue.id AND b.began_at < v_now - p_queue.per - interval '1 minute';
        free := least(free, p_queue.rate - (SELECT count(*) FROM (
            SELECT FROM df._queue_begins b WHERE b.queue = p_queue.id AND b.began_at > v_now - p_queue.per LIMIT p_queue.rate) AS c));
        IF free <= 0 THEN
            next_at := (SELECT b.began_at FROM df._queue_begins b WHERE b.queue = p_queue.id
                        ORDER BY b.began_at DESC OFFSET p_queue.rate - 1 LIMIT 1);
            next_at := CASE WHEN next_at = 'infinity' THEN v_now + interval '20 milliseconds' ELSE next_at + p_queue.per END;
        END IF;
    END IF;
    free := greatest(0, free);
END
$$;
COMMENT ON FUNCTION df._free_slots(df._queues) IS
    'The number of instances and sections of a queue that may begin now. Called with the settings of its callers.';

-- Of one key of a priority. An instance whose row another session holds, such as a caller with an open df.cancel, stands behind the others
-- of its key then: they may be other roles'. The version of the row that says so is written only while others wait.
CREATE OR REPLACE FUNCTION df._admit_one(p_queue df._queues, p_priority integer, p_key text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_one record;
    v_signal bigint;
BEGIN
    IF p_key <> '' AND p_queue.concurrency_per_key <= (SELECT count(*) FROM (
            SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.key = p_key AND s.admitted_at IS NOT NULL AND s.ended_at IS NULL
            LIMIT p_queue.concurrency_per_key) AS r)
    THEN
        RETURN false;
    END IF;
    FOR try IN 1 .. 3 LOOP
        SELECT s.instance_id, s.section INTO v_one FROM df._starts s
        WHERE s.queue = p_queue.id AND s.priority = p_priority AND s.key = p_key
          AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL
        ORDER BY s.queued_at, s.instance_id LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        IF v_one.section <> '' THEN
            -- A signal refers to the row of the instance.
            PERFORM FROM df.instances i WHERE i.id = v_one.instance_id FOR KEY SHARE SKIP LOCKED;
        ELSE
            PERFORM FROM df._inbox x WHERE x.instance_id = v_one.instance_id AND x.held FOR UPDATE SKIP LOCKED;
        END IF;
        IF FOUND THEN
            v_signal := NULL;
            IF v_one.section <> '' THEN
                INSERT INTO df.signals (instance_id, name, data) VALUES (v_one.instance_id, v_one.section, '{}') RETURNING id INTO v_signal;
            ELSE
                UPDATE df._inbox x SET wake_at = NULL, held = NULL, xid = pg_current_xact_id() WHERE x.instance_id = v_one.instance_id;
            END IF;
            UPDATE df._starts s SET admitted_at = clock_timestamp(), signal = v_signal
            WHERE s.instance_id = v_one.instance_id AND s.section = v_one.section;
            IF p_queue.rate IS NOT NULL THEN
                INSERT INTO df._queue_begins (instance_id, section, queue, began_at)
                VALUES (v_one.instance_id, v_one.section, p_queue.id, 'infinity')
                ON CONFLICT (instance_id, section) DO UPDATE SET began_at = 'infinity';
            END IF;
            RETURN true;
        END IF;
        UPDATE df._starts s SET queued_at = clock_timestamp()
        WHERE s.instance_id = v_one.instance_id AND s.section = v_one.section AND EXISTS (
            SELECT FROM df._starts o
            WHERE o.queue = p_queue.id AND o.priority = p_priority AND o.key = p_key AND o.instance_id <> s.instance_id
              AND o.start_at IS NULL AND o.admitted_at IS NULL AND o.ended_at IS NULL);
        EXIT WHEN NOT FOUND;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._admit_one(df._queues, integer, text) IS
    'Lets an instance of a key of a queue, or a section of one, begin: the one that waits longest and that nobody has locked, unless the key is full. Called with the settings of its callers.';

-- Priorities one after the other, low first; within one, keys in turn, from the one behind the last. A key that is full is passed over: of
-- each key the first that waits is looked at, however many there are. Where more keys are full than one call looks at, the keys of what
-- has just ended are looked at too.
CREATE OR REPLACE FUNCTION df._admit_queue(p_queue uuid, p_ended text[], OUT released integer, OUT next_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_queue df._queues;
    v_slots record;
    v_free integer;
    v_priority integer;
    v_last integer := -2147483648;
    v_began_from text;
    v_turn text;
    v_key text;
    v_wrapped boolean;
    v_admitted boolean;
    v_looked integer;
    v_in_all integer := 0;
BEGIN
    released := 0;
    SELECT * INTO v_queue FROM df._queues q WHERE q.id = p_queue;
    IF v_queue.pause_reason IS NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = v_queue.owner) THEN
        -- Nobody is left who could say how many may run. What runs goes on; what waits is told.
        PERFORM FROM df._queues q WHERE q.id = p_queue FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE df._queues q SET paused_at = coalesce(q.paused_at, clock_timestamp()), pause_reason = 'its role was dropped' WHERE q.id = p_queue;
        ELSE
            next_at := clock_timestamp() + interval '20 milliseconds';
        END IF;
        RETURN;
    END IF;
    v_slots := df._free_slots(v_queue);
    next_at := v_slots.next_at;
    IF v_slots.free = 0 THEN
        RETURN;
    END IF;
    SELECT * INTO v_queue FROM df._queues q WHERE q.id = p_queue FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        next_at := clock_timestamp() + interval '20 milliseconds';
        RETURN;
    END IF;
    -- Once more: the admissions of the session that had the lock are committed now.
    v_slots := df._free_slots(v_queue);
    next_at := v_slots.next_at;
    v_free := v_slots.free;

    WHILE v_free > 0 AND v_in_all < 400 LOOP
        SELECT s.priority INTO v_priority FROM df._starts s
        WHERE s.queue = p_queue AND s.priority > v_last AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL
        ORDER BY s.priority LIMIT 1;
        EXIT WHEN NOT FOUND;
        v_last := v_priority;
        v_began_from := coalesce((SELECT t.key FROM df._queue_turns t WHERE t.queue = p_queue AND t.priority = v_priority), '');
        v_turn := v_began_from;
        v_key := v_began_from;
        v_wrapped := false;
        v_admitted := false;
        v_looked := 0;
        LOOP
            SELECT s.key INTO v_key FROM df._starts s
            WHERE s.queue = p_queue AND s.priority = v_priority AND s.key > v_key
              AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL
            ORDER BY s.key LIMIT 1;
            IF NOT FOUND THEN
                -- From the first one again, for as long as a round has admitted something. No key is the empty one, which comes first.
                EXIT WHEN v_wrapped AND NOT v_admitted;
                SELECT s.key INTO v_key FROM df._starts s
                WHERE s.queue = p_queue AND s.priority = v_priority
                  AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL
                ORDER BY s.key LIMIT 1;
                EXIT WHEN NOT FOUND;
                v_admitted := v_admitted AND NOT v_wrapped;
                v_wrapped := true;
            END IF;
            v_looked := v_looked + 1;
            v_in_all := v_in_all + 1;
            IF df._admit_one(v_queue, v_priority, v_key) THEN
                v_admitted := true;
                v_turn := v_key;
                released := released + 1;
                v_free := v_free - 1;
            END IF;
            EXIT WHEN v_free = 0;
            IF v_looked >= 200 THEN
                -- The next call goes on here.
                v_turn := v_key;
                EXIT;
            END IF;
        END LOOP;
        IF v_turn <> v_began_from THEN
            INSERT INTO df._queue_turns AS t (queue, priority, key) VALUES (p_queue, v_priority, v_turn)
            ON CONFLICT (queue, priority) DO UPDATE SET key = excluded.key;
        END IF;
    END LOOP;
    IF v_free > 0 THEN
        FOR v_priority, v_key IN
            SELECT DISTINCT e.priority, e.key FROM df._starts e WHERE e.instance_id = ANY (p_ended) AND e.queue = p_queue AND e.key <> ''
        LOOP
            EXIT WHEN v_free = 0;
            IF df._admit_one(v_queue, v_priority, v_key) THEN
                released := released + 1;
                v_free := v_free - 1;
            END IF;
        END LOOP;
    END IF;
    IF v_slots.free > 0 AND v_free = 0 THEN
        -- There may be more slots than are given at a time.
        next_at := clock_timestamp();
    END IF;
END
$$;
COMMENT ON FUNCTION df._admit_queue(uuid, text[]) IS
    'Lets instances of a queue begin as far as its limits allow. Called with the settings of its callers.';

-- Roles take turns here too: each gets as many of those whose time has come.
CREATE OR REPLACE FUNCTION df._release_due(OUT released integer, OUT next_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_role oid := 0;
    v_first timestamptz;
    v_ids text[];
    v_now timestamptz := clock_timestamp();
BEGIN
    released := 0;
    LOOP
        SELECT s.role::oid, s.start_at INTO v_role, v_first FROM df._starts s
        WHERE s.role::oid > v_role AND s.start_at IS NOT NULL AND s.ended_at IS NULL
        ORDER BY s.role::oid, s.start_at LIMIT 1;
        EXIT WHEN NOT FOUND;
        IF v_first > v_now THEN
            next_at := least(next_at, v_first);
            CONTINUE;
        END IF;
        v_ids := ARRAY(
            SELECT x.instance_id::text FROM df._inbox x
            WHERE x.held AND x.instance_id = ANY (ARRAY(
                SELECT s.instance_id FROM df._starts s
                WHERE s.role::oid = v_role AND s.start_at <= v_now AND s.ended_at IS NULL ORDER BY s.start_at LIMIT 100))
            FOR UPDATE SKIP LOCKED);
        -- Those that were put off meanwhile are not due any more.
        v_ids := ARRAY(SELECT s.instance_id::text FROM df._starts s WHERE s.instance_id = ANY (v_ids) AND s.start_at <= v_now);
        UPDATE df._starts s SET start_at = NULL, queued_at = clock_timestamp()
        WHERE s.instance_id = ANY (v_ids) AND s.section = '' AND s.queue IS NOT NULL;
        WITH gone AS (
            DELETE FROM df._starts s WHERE s.instance_id = ANY (v_ids) AND s.queue IS NULL RETURNING s.instance_id)
        UPDATE df._inbox x SET wake_at = NULL, held = NULL, xid = pg_current_xact_id() FROM gone WHERE x.instance_id = gone.instance_id;
        released := released + cardinality(v_ids);
        -- There may be more; and those that are locked now are looked for again.
        next_at := least(next_at, CASE WHEN cardinality(v_ids) = 0 THEN v_now + interval '20 milliseconds' ELSE v_now END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._release_due() IS
    'Lets instances begin, or wait in their queue, whose time has come. Called with the settings of its callers.';

-- Roles take turns: of each owner first the queue that was looked at longest ago, so that nobody's queues stand behind all of somebody else's.
CREATE OR REPLACE FUNCTION df._admit(p_epoch bigint, p_first boolean, p_after uuid[], p_ended text[])
RETURNS TABLE (released integer, waits boolean, millis bigint, after uuid[])
LANGUAGE plpgsql VOLATILE COST 1000 ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_part record;
    most CONSTANT interval := '30 milliseconds';
    v_began CONSTANT timestamptz := clock_timestamp();
    v_next timestamptz;
    v_waiting uuid[];
    v_turns bigint[];
BEGIN
    IF p_first THEN
        -- What had been admitted and has committed nothing begins in this term, if not before.
        INSERT INTO df._queue_begins (instance_id, section, queue, began_at)
        SELECT s.instance_id, s.section, s.queue, 'infinity' FROM df._starts s JOIN df._queues q ON q.id = s.queue AND q.rate IS NOT NULL
        LEFT JOIN df.signals g ON g.id = s.signal
        WHERE s.admitted_at IS NOT NULL AND s.ended_at IS NULL AND NOT EXISTS (
            SELECT FROM df._checkpoints c WHERE c.instance_id = coalesce(s.subject, s.instance_id)
              AND c.written_at >= CASE WHEN s.section = '' THEN s.admitted_at ELSE g.consumed_at END)
        ON CONFLICT (instance_id, section) DO UPDATE SET began_at = 'infinity';
        DELETE FROM df._queue_begins b WHERE NOT EXISTS (SELECT FROM df._queues q WHERE q.id = b.queue AND q.rate IS NOT NULL);
        DELETE FROM df._queues q WHERE q.dropped_at < clock_timestamp() - interval '1 hour'
            AND NOT EXISTS (SELECT FROM df._starts s WHERE s.queue = q.id AND s.ended_at IS NULL);
    END IF;
    v_part := df._release_due();
    released := v_part.released;
    v_next := v_part.next_at;
    WITH RECURSIVE waiting(queue) AS (
        (SELECT s.queue FROM df._starts s
         WHERE s.queue IS NOT NULL AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL ORDER BY s.queue LIMIT 1)
        UNION ALL
        SELECT (SELECT s.queue FROM df._starts s
                WHERE s.queue > w.queue AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL ORDER BY s.queue LIMIT 1)
        FROM waiting w WHERE w.queue IS NOT NULL)
    SELECT array_agg(w.queue ORDER BY w.turn, w.place NULLS FIRST, w.queue), array_agg(w.turn ORDER BY w.turn, w.place NULLS FIRST, w.queue)
    INTO v_waiting, v_turns
    FROM (SELECT x.queue, array_position(p_after, x.queue) AS place, row_number() OVER (
              PARTITION BY q.owner ORDER BY array_position(p_after, x.queue) NULLS FIRST, x.queue) AS turn
          FROM waiting x JOIN df._queues q ON q.id = x.queue) AS w;
    waits := v_waiting IS NOT NULL;
    after := p_after;
    -- least() takes NULL for nothing too, and nothing waits most of the time.
    FOR i IN 1 .. least(20, coalesce(cardinality(v_waiting), 0)) LOOP
        EXIT WHEN v_turns[i] > 1 AND clock_timestamp() > v_began + most;
        v_part := df._admit_queue(v_waiting[i], p_ended);
        released := released + v_part.released;
        v_next := least(v_next, v_part.next_at);
        after := array_append(array_remove(after, v_waiting[i]), v_waiting[i]);
    END LOOP;
    IF coalesce(v_waiting, '{}') <@ after THEN
        after := '{}';
    ELSE
        -- The others have their turn in the next call.
        v_next := clock_timestamp();
    END IF;
    -- greatest() takes NULL for nothing, and would say that there is something now.
    millis := CASE WHEN v_next IS NOT NULL THEN ceil(greatest(0, 1000 * extract(epoch FROM v_next - clock_timestamp()))) END;
    PERFORM df._fence(p_epoch);
    RETURN NEXT;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    released := 0;
    waits := true;
    millis := 20;
    after := '{}';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION df._admit(bigint, boolean, uuid[], text[]) IS
    'Lets held instances begin: how many, whether others wait in queues, in how many milliseconds it is worth asking again (NULL: not before something changes), and the queues that have had their turn while others wait for it, for the next call.';

-- What waits for its time is counted by roles, of which each has a part of an index.
CREATE OR REPLACE FUNCTION df._queue_census()
RETURNS TABLE (waiting bigint, holding bigint, delayed bigint, oldest_waiting_seconds double precision)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET statement_timeout = '10s'
AS $$
BEGIN
    SELECT count(*), coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(w.queued_at))), 0) INTO waiting, oldest_waiting_seconds
    FROM (SELECT s.queued_at FROM df._starts s
          WHERE s.queue IS NOT NULL AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL LIMIT 20000) AS w;
    holding := (SELECT count(*) FROM (
        SELECT FROM df._starts s WHERE s.admitted_at IS NOT NULL AND s.ended_at IS NULL LIMIT 20000) AS r);
    delayed := (SELECT count(*) FROM (SELECT FROM df._starts s WHERE s.start_at IS NOT NULL AND s.ended_at IS NULL LIMIT 20000) AS d);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION df._queue_census() IS 'The numbers of instances that wait and run in queues, and that wait for their time: each counted up to 20,000.';

REVOKE EXECUTE ON FUNCTION df._queue_census() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._free_slots(df._queues) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._has_begun(df._starts) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._admit_one(df._queues, integer, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._admit_queue(uuid, text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._release_due() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._admit(bigint, boolean, uuid[], text[]) FROM PUBLIC;
