-- Queues, starts at a time, dedup keys (ADR 170): what submitters call. Who is admitted and when is in R__28_admission.sql.
--
-- An instance that must not begin yet is in df._inbox as one that sleeps without end, and held; what it waits for is in df._starts.
-- The worker hears of it when it is released, as of one that has just been started.

---------------------------------------------------------------------------------------------------------------------
-- Options of df.start
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._hold_options() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT '{queue,key,priority,start_at,delay,dedup,on_duplicate,debounce}'::pg_catalog.text[]
$$;
COMMENT ON FUNCTION df._hold_options() IS 'Internal: the options of df.start that say when an instance may begin.';

CREATE OR REPLACE FUNCTION df._check_hold_options(function_name text, options jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    option text;
BEGIN
    IF (options ?| df._hold_options()) IS NOT TRUE THEN
        RETURN;
    END IF;
    FOREACH option IN ARRAY '{queue,key,dedup}'::text[] LOOP
        -- The length keeps an index entry, of up to four bytes a character, within what an index page takes.
        IF options ? option AND NOT (jsonb_typeof(options -> option) = 'string' AND length(options ->> option) BETWEEN 1 AND 255) THEN
            RAISE EXCEPTION 'option % of %() must be a string of 1 to 255 characters', option, function_name
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    FOREACH option IN ARRAY '{start_at,delay,debounce}'::text[] LOOP
        IF options ? option AND jsonb_typeof(options -> option) <> 'string' THEN
            RAISE EXCEPTION 'option % of %() must be a string, such as %', option, function_name,
                CASE option WHEN 'start_at' THEN '"2026-12-01T08:00:00Z"' ELSE '"10 minutes"' END USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    IF options ? 'priority' AND NOT (jsonb_typeof(options -> 'priority') = 'number' AND options ->> 'priority' ~ '^-?[0-9]{1,4}$'
            AND (options ->> 'priority')::integer BETWEEN -1000 AND 1000) THEN
        RAISE EXCEPTION 'option priority of %() must be a whole number from -1000 to 1000; low goes first, 0 is the default', function_name
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ?| '{key,priority}' AND NOT options ? 'queue' THEN
        RAISE EXCEPTION 'option % of %() says something about a queue, and there is no option queue',
                CASE WHEN options ? 'key' THEN 'key' ELSE 'priority' END, function_name USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ?& '{start_at,delay}' THEN
        RAISE EXCEPTION 'options of %() hold both start_at and delay: give one of them', function_name USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ?| '{on_duplicate,debounce}' AND NOT options ? 'dedup' THEN
        RAISE EXCEPTION 'option % of %() needs the option dedup, the key of the start',
                CASE WHEN options ? 'debounce' THEN 'debounce' ELSE 'on_duplicate' END, function_name USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'on_duplicate' AND (options ->> 'on_duplicate' IN ('return', 'raise', 'replace')) IS NOT TRUE THEN
        RAISE EXCEPTION 'option on_duplicate of %() must be return, raise or replace', function_name USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'debounce' AND options ?| '{start_at,delay,on_duplicate}' THEN
        RAISE EXCEPTION 'option debounce of %() says when the instance starts, and what becomes of a second start: start_at, delay and on_duplicate do not go with it', function_name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._start_moment(function_name, options);
END
$$;
COMMENT ON FUNCTION df._check_hold_options(text, jsonb) IS 'Internal: checks queue, key, priority, start_at, delay, dedup, on_duplicate and debounce.';

CREATE OR REPLACE FUNCTION df._start_moment(function_name text, options jsonb) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    option text := CASE WHEN options ? 'start_at' THEN 'start_at' WHEN options ? 'delay' THEN 'delay' WHEN options ? 'debounce' THEN 'debounce' END;
    given text := options ->> option;
    span interval;
    moment timestamptz;
BEGIN
    IF option IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        IF option = 'start_at' THEN
            moment := given::timestamptz;
        ELSE
            span := given::interval;
        END IF;
    EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION 'option % of %(): %', option, function_name, sqlerrm USING ERRCODE = 'invalid_parameter_value';
    END;
    IF option <> 'start_at' AND (extract(epoch FROM span) BETWEEN 0 AND 315576000) IS NOT TRUE THEN
        RAISE EXCEPTION 'option % of %() must be between 0 and 10 years, not %', option, function_name, given USING ERRCODE = 'invalid_parameter_value';
    ELSIF option = 'start_at' AND NOT moment BETWEEN '2000-01-01Z' AND '9999-12-30Z' THEN
        RAISE EXCEPTION 'option start_at of %() must be between the years 2000 and 9999, not %', function_name, given USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN coalesce(moment, clock_timestamp() + span);
END
$$;
COMMENT ON FUNCTION df._start_moment(text, jsonb) IS 'Internal: before when an instance with these options must not begin; NULL when they do not say.';

CREATE OR REPLACE FUNCTION df._filled_options(options jsonb, vars jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    filled jsonb := options;
    option text;
    put_in text;
    v record;
BEGIN
    FOREACH option IN ARRAY '{key,dedup}'::text[] LOOP
        CONTINUE WHEN (options ->> option LIKE '%{%') IS NOT TRUE;
        put_in := options ->> option;
        FOR v IN SELECT key, value FROM jsonb_each_text(vars) WHERE strpos(options ->> option, concat('{', key, '}')) > 0 LOOP
            put_in := replace(put_in, concat('{', v.key, '}'), v.value);
        END LOOP;
        filled := filled || jsonb_build_object(option, put_in);
    END LOOP;
    IF filled <> options THEN
        PERFORM df._check_hold_options('df.start_many', filled);
    END IF;
    RETURN filled;
END
$$;
COMMENT ON FUNCTION df._filled_options(jsonb, jsonb) IS 'Internal: options of df.start_many for one row.';

---------------------------------------------------------------------------------------------------------------------
-- Starting
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._start_held(
    root text, label text, submitter oid, database text, captured jsonb, once text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    moment timestamptz := df._start_moment('df.start', options);
    drawn uuid;
    started text;
BEGIN
    FOR tries IN 1 .. 10 LOOP
        drawn := gen_random_uuid();
        INSERT INTO df._start_requests (id, label, root_node, submitted_by, database, vars, idempotency_key, graph,
            queue, key, priority, start_at, dedup, on_duplicate, debounce)
        VALUES (left(drawn::text, 8), label, right(drawn::text, 8), submitter, database, captured, once, root,
            options ->> 'queue', options ->> 'key', (options ->> 'priority')::integer, moment,
            options ->> 'dedup', options ->> 'on_duplicate', options ? 'debounce');
        -- What the trigger has said, in this very transaction.
        started := current_setting('df.started', true);
        IF started <> '' THEN
            -- Not those of an instance that was there before.
            IF started = left(drawn::text, 8) AND options ? 'attributes' THEN
                PERFORM df._put_attributes(started, options -> 'attributes');
            END IF;
            RETURN started;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
        USING ERRCODE = 'internal_error';
END
$$;
COMMENT ON FUNCTION df._start_held(text, text, oid, text, jsonb, text, jsonb) IS
    'Internal: df.start with options that say when an instance may begin.';

-- Whose queue a name means: one's own, or else one that was granted.
CREATE OR REPLACE FUNCTION df._queue_of(p_role regrole, p_name text) RETURNS df._queues
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_found df._queues[];
BEGIN
    v_found := ARRAY(SELECT q FROM df._queues q WHERE q.owner = p_role AND q.name = p_name AND q.dropped_at IS NULL);
    IF cardinality(v_found) = 0 THEN
        v_found := ARRAY(
            SELECT q FROM df._queues q
            WHERE q.name = p_name AND q.dropped_at IS NULL AND EXISTS (
                SELECT FROM df._queue_grants g WHERE g.queue = q.id AND (g.role::oid = 0 OR pg_has_role(p_role::oid, g.role::oid, 'USAGE'))));
    END IF;
    IF cardinality(v_found) > 1 THEN
        -- What a role has left that was dropped makes no name ambiguous.
        v_found := ARRAY(SELECT q FROM unnest(v_found) AS q WHERE EXISTS (SELECT FROM pg_roles r WHERE r.oid = q.owner));
    END IF;
    IF cardinality(v_found) = 0 THEN
        RAISE EXCEPTION 'there is no queue "%" of yours, and none of that name was granted to you', p_name
            USING ERRCODE = 'undefined_object', HINT = format('SELECT df.create_queue(%L, concurrency => 5);', p_name);
    ELSIF cardinality(v_found) > 1 THEN
        RAISE EXCEPTION 'queue "%" is ambiguous: % roles have granted you one of that name', p_name, cardinality(v_found)
            USING ERRCODE = 'ambiguous_parameter', HINT = 'A queue of your own goes first.';
    END IF;
    RETURN v_found[1];
END
$$;
COMMENT ON FUNCTION df._queue_of(regrole, text) IS 'Internal: the queue that a name means to a role.';

-- Waiting instances count too: the last to come does not get the slot that is free.
CREATE OR REPLACE FUNCTION df._has_slot(p_queue df._queues, p_key text, OUT queue_is_full boolean, OUT key_is_full boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_most integer := 1 + greatest(p_queue.concurrency, p_queue.rate);
    v_waiting bigint;
BEGIN
    v_waiting := (SELECT count(*) FROM (
        SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.start_at IS NULL AND s.admitted_at IS NULL AND s.ended_at IS NULL LIMIT v_most) AS w);
    queue_is_full := coalesce(v_waiting + (SELECT count(*) FROM (
            SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.admitted_at IS NOT NULL AND s.ended_at IS NULL
            LIMIT p_queue.concurrency) AS r) >= p_queue.concurrency, false)
        OR coalesce(v_waiting + (SELECT count(*) FROM (
            SELECT FROM df._queue_begins b WHERE b.queue = p_queue.id AND b.began_at > clock_timestamp() - p_queue.per LIMIT p_queue.rate) AS c)
            >= p_queue.rate, false);
    key_is_full := p_key <> '' AND coalesce((SELECT count(*) FROM (
            SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.key = p_key AND s.admitted_at IS NOT NULL AND s.ended_at IS NULL
            LIMIT p_queue.concurrency_per_key) AS r)
        + (SELECT count(*) FROM (
            SELECT FROM df._starts s WHERE s.queue = p_queue.id AND s.key = p_key AND s.start_at IS NULL AND s.admitted_at IS NULL
              AND s.ended_at IS NULL LIMIT p_queue.concurrency_per_key) AS w) >= p_queue.concurrency_per_key, false);
END
$$;
COMMENT ON FUNCTION df._has_slot(df._queues, text) IS 'Internal: whether a start with this key would have to wait.';

-- Definer: submitters have no right on the worker's tables. What was inserted has passed the policy: it is the caller's. It says in
-- df.started which instance it is, and nothing when the id was taken.
CREATE OR REPLACE FUNCTION df._request_start() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_queue df._queues;
    v_scope uuid := '00000000-0000-0000-0000-000000000000';
    v_holder record;
    v_id text;
    v_is_full boolean := false;
    v_key_is_full boolean := false;
    v_is_late boolean := coalesce(new.start_at > clock_timestamp(), false);
    v_oldest text;
BEGIN
    DELETE FROM df._start_requests r WHERE r.submitted_by = new.submitted_by AND r.id = new.id;
    PERFORM set_config('df.started', '', true);
    IF coalesce(new.on_duplicate, 'return') NOT IN ('return', 'raise', 'replace') OR length(new.dedup) > 255 OR length(new.key) > 255 THEN
        PERFORM df._violates('_start_requests', '_start_requests_options_chk');
    END IF;
    IF new.queue IS NOT NULL THEN
        v_queue := df._queue_of(new.submitted_by, new.queue);
        v_scope := v_queue.id;
        IF v_queue.overflow = 'reject' AND NOT v_is_late THEN
            SELECT f.queue_is_full, f.key_is_full INTO v_is_full, v_key_is_full FROM df._has_slot(v_queue, coalesce(new.key, '')) AS f;
            IF v_is_full OR v_key_is_full THEN
                RAISE EXCEPTION 'queue "%" is full%', new.queue, CASE WHEN NOT v_is_full THEN format(' for key %L', new.key) ELSE '' END
                    USING ERRCODE = 'configuration_limit_exceeded',
                          HINT = 'Its overflow is reject: try again later, or let starts wait: SELECT df.alter_queue(…, overflow => ''wait'');';
            END IF;
        END IF;
    END IF;

    IF new.dedup IS NOT NULL THEN
        -- Where another session is starting under the same key, this waits for that one's transaction.
        FOR tries IN 1 .. 20 LOOP
            INSERT INTO df._dedups (submitted_by, queue, key, instance_id, debounced)
            VALUES (new.submitted_by, v_scope, new.dedup, new.id, coalesce(new.debounce, false))
            ON CONFLICT DO NOTHING RETURNING instance_id INTO v_id;
            EXIT WHEN v_id IS NOT NULL;
            IF coalesce(new.debounce, false) OR new.on_duplicate = 'replace' THEN
                SELECT d.instance_id, d.debounced INTO v_holder FROM df._dedups d
                WHERE d.submitted_by = new.submitted_by AND d.queue = v_scope AND d.key = new.dedup FOR UPDATE;
            ELSE
                SELECT d.instance_id, d.debounced INTO v_holder FROM df._dedups d
                WHERE d.submitted_by = new.submitted_by AND d.queue = v_scope AND d.key = new.dedup;
            END IF;
            -- Its instance has just ended; or a snapshot of this transaction is older than it.
            CONTINUE WHEN NOT FOUND;
            IF coalesce(new.debounce, false) THEN
                PERFORM FROM df._inbox x WHERE x.instance_id = v_holder.instance_id AND x.held FOR UPDATE;
                IF FOUND THEN
                    UPDATE df.instances i SET vars = new.vars, updated_at = clock_timestamp() WHERE i.id = v_holder.instance_id;
                    UPDATE df._starts s SET start_at = new.start_at WHERE s.instance_id = v_holder.instance_id;
                    UPDATE df._inbox x SET bytes = (SELECT octet_length(i.graph) + coalesce(octet_length(i.vars::text), 0)
                                                    FROM df.instances i WHERE i.id = x.instance_id)
                    WHERE x.instance_id = v_holder.instance_id;
                END IF;
                IF FOUND OR NOT v_holder.debounced THEN
                    PERFORM set_config('df.started', v_holder.instance_id, true);
                    RETURN NULL;
                END IF;
                -- It has begun: what comes now is for the next one.
                UPDATE df._dedups d SET instance_id = new.id
                WHERE d.submitted_by = new.submitted_by AND d.queue = v_scope AND d.key = new.dedup;
                v_id := new.id;
            ELSIF new.on_duplicate = 'raise' THEN
                RAISE EXCEPTION 'instance % holds the dedup key % and has not ended', v_holder.instance_id, quote_literal(new.dedup)
                    USING ERRCODE = 'unique_violation', CONSTRAINT = '_dedups_pkey', SCHEMA = 'df',
                          HINT = 'on_duplicate is raise; return gives its id, replace cancels it.';
            ELSIF new.on_duplicate = 'replace' THEN
                UPDATE df._dedups d SET instance_id = new.id, debounced = false
                WHERE d.submitted_by = new.submitted_by AND d.queue = v_scope AND d.key = new.dedup;
                UPDATE df.instances i SET status = 'cancelled', updated_at = now(), cancel_reason = concat('Replaced by instance ', new.id)
                WHERE i.id = v_holder.instance_id AND i.status IN ('pending', 'running');
                v_id := new.id;
            ELSE
                PERFORM set_config('df.started', v_holder.instance_id, true);
                RETURN NULL;
            END IF;
            EXIT;
        END LOOP;
        IF v_id IS NULL THEN
            RAISE EXCEPTION 'could not serialize access due to concurrent update: another session starts under the dedup key %', quote_literal(new.dedup)
                USING ERRCODE = 'serialization_failure', HINT = 'Try the transaction again.';
        END IF;
    END IF;

    IF v_queue.overflow LIKE 'cancel\_%' AND NOT v_is_late THEN
        SELECT f.queue_is_full, f.key_is_full INTO v_is_full, v_key_is_full FROM df._has_slot(v_queue, coalesce(new.key, '')) AS f;
    END IF;
    INSERT INTO df.instances (id, label, root_node, submitted_by, database, vars, idempotency_key, graph)
    VALUES (new.id, new.label, new.root_node, new.submitted_by, new.database, new.vars, new.idempotency_key, new.graph)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    IF NOT FOUND THEN
        DELETE FROM df._dedups d WHERE d.instance_id = new.id;
        PERFORM set_config('df.started', coalesce(df._started_before(new.submitted_by::oid, new.idempotency_key), ''), true);
        RETURN NULL;
    END IF;
    IF new.queue IS NOT NULL OR v_is_late THEN
        INSERT INTO df._starts (instance_id, role, queue, key, priority, start_at)
        VALUES (new.id, new.submitted_by, v_queue.id, coalesce(new.key, ''), coalesce(new.priority, 0), CASE WHEN v_is_late THEN new.start_at END);
        UPDATE df._inbox x SET wake_at = 'infinity', held = true, limited = true WHERE x.instance_id = new.id;
    ELSIF new.dedup IS NOT NULL THEN
        UPDATE df._inbox x SET limited = true WHERE x.instance_id = new.id;
    END IF;
    PERFORM set_config('df.started', new.id, true);

    IF v_is_full OR v_key_is_full THEN
        IF v_queue.overflow = 'cancel_newest' THEN
            v_oldest := new.id;
        ELSE
            -- Nobody cancels what somebody else has started.
            SELECT s.instance_id INTO v_oldest FROM df._starts s JOIN df.instances i ON i.id = s.instance_id
            WHERE s.queue = v_queue.id AND s.section = '' AND s.ended_at IS NULL AND s.start_at IS NULL AND s.role = new.submitted_by AND s.instance_id <> new.id
              AND (v_is_full OR s.key = coalesce(new.key, '')) AND i.status IN ('pending', 'running')
            ORDER BY s.queued_at, s.instance_id LIMIT 1;
        END IF;
        UPDATE df.instances i SET status = 'cancelled', updated_at = now(), cancel_reason = format('Queue %s is full', v_queue.name)
        WHERE i.id = v_oldest AND i.status IN ('pending', 'running');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._request_start() IS 'Internal: starts an instance with a queue, a time or a dedup key.';
CREATE OR REPLACE TRIGGER start_requests_start AFTER INSERT ON df._start_requests
    FOR EACH ROW EXECUTE FUNCTION df._request_start();

---------------------------------------------------------------------------------------------------------------------
-- Ending
---------------------------------------------------------------------------------------------------------------------

-- Whatever ends an instance takes its row out of df._inbox, and so gives the slot back.
CREATE OR REPLACE FUNCTION df._give_back() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df._starts s WHERE s.instance_id = old.instance_id AND (s.queue IS NULL OR s.section <> '');
    UPDATE df._starts s SET ended_at = clock_timestamp(), start_at = NULL
    WHERE s.instance_id = old.instance_id AND s.ended_at IS NULL;
    DELETE FROM df._dedups d WHERE d.instance_id = old.instance_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._give_back() IS 'Internal: gives back the slots and the dedup key of an instance that has ended.';
CREATE OR REPLACE TRIGGER inbox_give_back AFTER DELETE ON df._inbox
    FOR EACH ROW WHEN (old.limited) EXECUTE FUNCTION df._give_back();

-- One that is held is in no worker's memory. Who is being admitted at this moment is not held when this has waited for it.
CREATE OR REPLACE FUNCTION df._end_held(p_instance text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df._inbox x WHERE x.instance_id = p_instance AND x.held;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE df.instances SET output = concat('canceled: ', coalesce(p_reason, 'Cancelled by user')) WHERE id = p_instance;
    RETURN true;
END
$$;
COMMENT ON FUNCTION df._end_held(text, text) IS 'Internal: ends an instance that has not begun and is cancelled; false when it is not held.';

-- What is still being wound up keeps its slot and goes on in it.
CREATE OR REPLACE FUNCTION df._queue_again(p_instance text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    UPDATE df._starts s SET queued_at = clock_timestamp(), admitted_at = NULL, ended_at = NULL
    WHERE s.instance_id = p_instance AND s.section = '' AND s.queue IS NOT NULL AND s.ended_at IS NOT NULL;
    IF FOUND THEN
        UPDATE df._inbox x SET wake_at = 'infinity', held = true, limited = true WHERE x.instance_id = p_instance;
    END IF;
END
$$;
COMMENT ON FUNCTION df._queue_again(text) IS 'Internal: an instance that is redriven waits for a slot of its queue again.';

---------------------------------------------------------------------------------------------------------------------
-- Queues
---------------------------------------------------------------------------------------------------------------------

-- Definer: see df._request_start.
CREATE OR REPLACE FUNCTION df._change_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_queue df._queues;
    v_waiting bigint;
    v_running bigint;
    v_sections bigint;
    v_role regrole;
BEGIN
    DELETE FROM df._queue_changes c
    WHERE c.submitted_by = new.submitted_by AND c.name = new.name AND c.action = new.action AND c.asked_in = new.asked_in;
    IF length(new.name) NOT BETWEEN 1 AND 255 THEN
        PERFORM df._violates('_queue_changes', '_queue_changes_name_chk');
    ELSIF new.action = 'create' THEN
        IF (SELECT count(*) FROM df._queues q WHERE q.owner = new.submitted_by AND q.dropped_at IS NULL) >= 50 THEN
            RAISE EXCEPTION 'role "%" has 50 queues already', new.submitted_by
                USING ERRCODE = 'configuration_limit_exceeded', HINT = 'What differs by tenant is a key, not a queue: options => {"queue": …, "key": …}.';
        END IF;
        v_queue := jsonb_populate_record(NULL::df._queues, new.settings);
        PERFORM df._check_queue(v_queue);
        INSERT INTO df._queues (owner, name, concurrency, concurrency_per_key, rate, per, overflow)
        VALUES (new.submitted_by, new.name, v_queue.concurrency, v_queue.concurrency_per_key, v_queue.rate, v_queue.per, v_queue.overflow)
        ON CONFLICT DO NOTHING RETURNING id INTO v_queue.id;
        IF v_queue.id IS NULL THEN
            RAISE EXCEPTION 'queue "%" exists already', new.name USING ERRCODE = 'duplicate_object',
                HINT = format('SELECT df.alter_queue(%L, …); changes its limits.', new.name);
        END IF;
        RETURN NULL;
    END IF;
    SELECT * INTO v_queue FROM df._queues q WHERE q.owner = new.submitted_by AND q.name = new.name AND q.dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no queue "%" of yours', new.name USING ERRCODE = 'undefined_object';
    END IF;
    CASE new.action
        WHEN 'alter' THEN
            v_queue := jsonb_populate_record(v_queue, new.settings - '{id,owner,name,paused_at,pause_reason,created_at,dropped_at}'::text[]);
            v_queue.concurrency := nullif(v_queue.concurrency, 0);
            v_queue.concurrency_per_key := nullif(v_queue.concurrency_per_key, 0);
            v_queue.rate := nullif(v_queue.rate, 0);
            v_queue.per := CASE WHEN v_queue.rate IS NOT NULL THEN coalesce(v_queue.per, '1 second') END;
            PERFORM df._check_queue(v_queue);
            UPDATE df._queues q SET concurrency = v_queue.concurrency, concurrency_per_key = v_queue.concurrency_per_key,
                rate = v_queue.rate, per = v_queue.per, overflow = v_queue.overflow
            WHERE q.id = v_queue.id;
        WHEN 'pause' THEN
            UPDATE df._queues q SET paused_at = coalesce(q.paused_at, clock_timestamp()) WHERE q.id = v_queue.id;
        WHEN 'resume' THEN
            UPDATE df._queues q SET paused_at = NULL, pause_reason = NULL WHERE q.id = v_queue.id;
        WHEN 'drop' THEN
            SELECT count(*) FILTER (WHERE s.admitted_at IS NULL), count(s.admitted_at), count(*) FILTER (WHERE s.section <> '')
            INTO v_waiting, v_running, v_sections
            FROM df._starts s WHERE s.queue = v_queue.id AND s.ended_at IS NULL;
            IF v_waiting + v_running > 0 THEN
                RAISE EXCEPTION 'queue "%" cannot be dropped: % wait in it and % run', new.name,
                        v_waiting || CASE WHEN v_sections > 0 THEN ' instances or sections' WHEN v_waiting = 1 THEN ' instance' ELSE ' instances' END, v_running
                    USING ERRCODE = 'object_in_use', HINT = 'Cancel them, or wait until they have ended; df.pause_queue() holds up those that wait.';
            END IF;
            UPDATE df._queues q SET dropped_at = clock_timestamp() WHERE q.id = v_queue.id;
        WHEN 'grant', 'revoke' THEN
            v_role := df._grantee_oid(new.settings ->> 'role');
            IF new.action = 'grant' THEN
                INSERT INTO df._queue_grants (queue, role) VALUES (v_queue.id, v_role) ON CONFLICT DO NOTHING;
            ELSE
                DELETE FROM df._queue_grants g WHERE g.queue = v_queue.id AND g.role = v_role;
            END IF;
        ELSE
            PERFORM df._violates('_queue_changes', '_queue_changes_action_chk');
    END CASE;
    PERFORM df._wake_worker();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._change_queue() IS 'Internal: creates, changes or drops a queue.';
CREATE OR REPLACE TRIGGER queue_changes_change AFTER INSERT ON df._queue_changes
    FOR EACH ROW EXECUTE FUNCTION df._change_queue();

CREATE OR REPLACE FUNCTION df._check_queue(queue df._queues) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong record;
BEGIN
    SELECT * INTO wrong
    FROM (VALUES ('concurrency', queue.concurrency), ('concurrency_per_key', queue.concurrency_per_key), ('rate', queue.rate)) AS v(name, value)
    WHERE v.value NOT BETWEEN 1 AND 10000 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% of a queue must be between 1 and 10000, not %', wrong.name, wrong.value USING ERRCODE = 'invalid_parameter_value';
    ELSIF queue.per IS NOT NULL AND queue.rate IS NULL THEN
        RAISE EXCEPTION 'per of a queue says over which time rate counts, and there is no rate' USING ERRCODE = 'invalid_parameter_value';
    ELSIF queue.rate IS NOT NULL AND (extract(epoch FROM queue.per) BETWEEN 0.001 AND 31622400) IS NOT TRUE THEN
        RAISE EXCEPTION 'per of a queue must be between 1 millisecond and a year, not %', queue.per USING ERRCODE = 'invalid_parameter_value';
    ELSIF (queue.overflow IN ('wait', 'reject', 'cancel_oldest', 'cancel_newest')) IS NOT TRUE THEN
        RAISE EXCEPTION 'overflow of a queue must be wait, reject, cancel_oldest or cancel_newest, not %', coalesce(quote_literal(queue.overflow), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_queue(df._queues) IS 'Internal: checks the limits of a queue.';

CREATE OR REPLACE FUNCTION df._ask_queue(name text, action text, settings jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    IF name IS NULL OR length(name) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'the name of a queue must be 1 to 255 characters long' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO df._queue_changes (submitted_by, action, name, settings)
    VALUES (quote_ident(current_user)::regrole, _ask_queue.action, _ask_queue.name, coalesce(_ask_queue.settings, '{}'));
    RETURN name;
END
$$;
COMMENT ON FUNCTION df._ask_queue(text, text, jsonb) IS 'Internal: asks for a change of a queue of the current role.';

CREATE OR REPLACE FUNCTION df.create_queue(
    name text, concurrency integer DEFAULT NULL, concurrency_per_key integer DEFAULT NULL, rate integer DEFAULT NULL,
    per interval DEFAULT NULL, overflow text DEFAULT 'wait') RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'create', jsonb_build_object('concurrency', concurrency, 'concurrency_per_key', concurrency_per_key,
        'rate', rate, 'per', coalesce(per, CASE WHEN rate IS NOT NULL THEN interval '1 second' END), 'overflow', overflow));
END
$$;
COMMENT ON FUNCTION df.create_queue(text, integer, integer, integer, interval, text) IS
    'Creates a queue of the current role. concurrency bounds how many of its instances run at once, concurrency_per_key those of each key, rate how many start per interval (default: a second); NULL is no limit. overflow is the rule for a start without a free slot: wait, reject, cancel_oldest or cancel_newest.';

CREATE OR REPLACE FUNCTION df.alter_queue(
    name text, concurrency integer DEFAULT NULL, concurrency_per_key integer DEFAULT NULL, rate integer DEFAULT NULL,
    per interval DEFAULT NULL, overflow text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'alter', jsonb_strip_nulls(jsonb_build_object('concurrency', concurrency,
        'concurrency_per_key', concurrency_per_key, 'rate', rate, 'per', per, 'overflow', overflow)));
END
$$;
COMMENT ON FUNCTION df.alter_queue(text, integer, integer, integer, interval, text) IS
    'Changes limits of a queue: NULL keeps a limit, 0 removes it. Running instances go on.';

CREATE OR REPLACE FUNCTION df.pause_queue(name text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'pause', NULL);
END
$$;
COMMENT ON FUNCTION df.pause_queue(text) IS 'Pauses a queue: nothing starts until df.resume_queue; running instances go on.';

CREATE OR REPLACE FUNCTION df.resume_queue(name text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'resume', NULL);
END
$$;
COMMENT ON FUNCTION df.resume_queue(text) IS 'Continues a paused queue.';

CREATE OR REPLACE FUNCTION df.drop_queue(name text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'drop', NULL);
END
$$;
COMMENT ON FUNCTION df.drop_queue(text) IS 'Drops a queue in which nothing waits or runs.';

CREATE OR REPLACE FUNCTION df.grant_queue(name text, role text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'grant', jsonb_build_object('role', role));
END
$$;
COMMENT ON FUNCTION df.grant_queue(text, text) IS
    'Lets a role (or PUBLIC) start its own instances in a queue of the current role, and see its limits and how many wait.';

CREATE OR REPLACE FUNCTION df.revoke_queue(name text, role text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._ask_queue(name, 'revoke', jsonb_build_object('role', role));
END
$$;
COMMENT ON FUNCTION df.revoke_queue(text, text) IS 'Revokes a grant of df.grant_queue; started instances stay in the queue.';

-- Who owns schema df calls it, or a superuser: no policy keeps them from the rows, and nobody else may execute it.
CREATE OR REPLACE FUNCTION df.reassign_queue(name text, owner text, new_owner text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    v_role oid := df._grantee_oid(new_owner);
    v_queue uuid;
BEGIN
    IF v_role = 0 THEN
        RAISE EXCEPTION 'a queue belongs to one role, not to PUBLIC' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- A role that was dropped is its number, as in df.queues.
    SELECT q.id INTO v_queue FROM df._queues q
    WHERE q.name = reassign_queue.name AND q.owner::text IN (reassign_queue.owner, quote_ident(reassign_queue.owner)) AND q.dropped_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no queue "%" of "%"', name, owner USING ERRCODE = 'undefined_object',
            HINT = 'SELECT name, owner FROM df.queues; a role that was dropped is a number there.';
    END IF;
    BEGIN
        UPDATE df._queues q SET owner = v_role::regrole, pause_reason = NULL WHERE q.id = v_queue;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'role "%" has a queue "%" already', new_owner, name USING ERRCODE = 'duplicate_object';
    END;
    PERFORM df._wake_worker();
    RETURN name;
END
$$;
COMMENT ON FUNCTION df.reassign_queue(text, text, text) IS
    'Gives a queue, with its instances and its grants, to another role; owner is the one that df.queues shows, a number for a dropped role. Reserved to the owner of schema df. A queue that is paused stays paused until df.resume_queue.';

---------------------------------------------------------------------------------------------------------------------
-- What can be seen
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW df.queues WITH (security_barrier) AS
SELECT q.name, q.owner, q.concurrency, q.concurrency_per_key, q.rate, q.per, q.overflow, q.paused_at IS NOT NULL AS paused, q.pause_reason,
       w.depth, (SELECT count(*) FROM df._starts s WHERE s.queue = q.id AND s.admitted_at IS NOT NULL AND s.ended_at IS NULL) AS running,
       w.oldest_waiting, w.delayed, q.created_at
FROM df._queues q
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.start_at IS NULL) AS depth, min(s.queued_at) FILTER (WHERE s.start_at IS NULL) AS oldest_waiting,
           count(s.start_at) AS delayed
    FROM df._starts s WHERE s.queue = q.id AND s.admitted_at IS NULL AND s.ended_at IS NULL) AS w
WHERE q.dropped_at IS NULL
  AND (q.owner = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'))
       OR EXISTS (SELECT FROM df._queue_grants g WHERE g.queue = q.id AND (g.role::oid = 0 OR pg_has_role(g.role::oid, 'USAGE'))));
COMMENT ON VIEW df.queues IS 'Queues of the current role, and those that were granted to it.';
COMMENT ON COLUMN df.queues.pause_reason IS 'Reason why the queue paused itself; NULL when a user paused it.';
COMMENT ON COLUMN df.queues.depth IS 'Instances, and sections of instances, that wait for a slot.';
COMMENT ON COLUMN df.queues.running IS 'Slots that are taken.';
COMMENT ON COLUMN df.queues.oldest_waiting IS 'Time since which the oldest of them waits.';
COMMENT ON COLUMN df.queues.delayed IS 'Instances whose start_at has not come.';

CREATE OR REPLACE VIEW df._held_starts WITH (security_barrier) AS
SELECT s.instance_id, q.name AS queue, s.key, s.priority, s.queued_at, s.start_at, q.paused_at, q.pause_reason
FROM df._starts s JOIN df.instances n ON n.id = s.instance_id LEFT JOIN df._queues q ON q.id = s.queue
WHERE s.admitted_at IS NULL AND s.ended_at IS NULL AND s.section = ''
  AND (n.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances')));
COMMENT ON VIEW df._held_starts IS 'Instances that must not begin yet, and why.';

CREATE OR REPLACE VIEW df._queued_starts WITH (security_barrier) AS
SELECT s.instance_id, q.name AS queue
FROM df._starts s JOIN df.instances n ON n.id = s.instance_id JOIN df._queues q ON q.id = s.queue
WHERE s.section = '' AND (n.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances')));
COMMENT ON VIEW df._queued_starts IS 'Instances that were started in a queue, and which.';

CREATE OR REPLACE FUNCTION df._held_text(instance_id text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
SELECT concat_ws(', ',
    CASE WHEN h.start_at IS NOT NULL THEN concat('until ', df._moment(h.start_at), ', then for a slot of queue ' || h.queue)
         ELSE concat('for a slot of queue ', h.queue) END,
    'key ' || nullif(h.key, ''),
    CASE WHEN h.paused_at IS NOT NULL THEN concat('which is paused', ' (' || h.pause_reason || ')') END,
    'since ' || df._moment(h.queued_at))
FROM df._held_starts h WHERE h.instance_id = $1
$$;
COMMENT ON FUNCTION df._held_text(text) IS 'Internal: the wait of an instance that has not begun; NULL when it may begin.';

REVOKE EXECUTE ON FUNCTION df.reassign_queue(text, text, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._queue_of(regrole, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._has_slot(df._queues, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._request_start() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._give_back() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._end_held(text, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._queue_again(text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._change_queue() FROM PUBLIC;
