-- Checkpoints: what is decided of an instance becomes a row (architecture 4, 5). Only df.checkpoint can be executed by
-- submitters: the worker calls it in the submitter's session, so that a step and its checkpoint commit together. A token proves
-- the worker's authorisation, a MAC over everything that is written. All other functions are the owner's.
--
-- SQLSTATEs of our own: DF001 stale (the version is taken: load again), DF002 fenced (another term has begun: stop), DF003
-- refused (token), DF005 (steps of a cancelled instance shared the transaction: run the first one alone).
--
-- Why this fences: decisions of an instance are taken one at a time, each takes the version after the one that it was made on,
-- and its row is inserted before the epoch is read. So a second decision on the same version meets the row of the first, which may still be
-- uncommitted: then it waits, for as long as lock_timeout says, and nobody else does. Who inserts after a new term has begun
-- sees that, since a sequence is not subject to snapshots. A row whose entries were all superseded is deleted, but never the
-- newest, nor one that was only claimed: a claim stands for a transaction whose end is unknown, and that may come late.

-- What else a decision writes. {"end": {"status", "output", "started_at"}, "execution": {"number", "output", "started_at",
-- "events"}, "signals": [{"id", "node"}], "waits": [{"node", "instance", "name"}], "activities": [{"node", …}], "maps": [{"node", "execution_id"}], "wake_at": "<time>" | "infinity" | null, "superseded": [versions], "cancelled": true,
-- "marked": true, "shared": true, "compensated": true}. Called with the settings of its callers.
CREATE OR REPLACE FUNCTION df._also(p_instance text, p_version integer, p_also jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_part jsonb;
    v_status text;
BEGIN
    -- Few expressions where nothing unusual is said: each is set up anew in every transaction.
    IF p_also ?| '{signals,execution,maps,waits,activities}' THEN
        IF p_also ? 'waits' THEN
            PERFORM df._wait_for_events(p_instance, p_also -> 'waits');
        END IF;
        IF p_also ? 'activities' THEN
            PERFORM df._begin_activities(p_instance, p_also -> 'activities');
        END IF;
        FOR v_part IN SELECT value FROM jsonb_array_elements(coalesce(p_also -> 'signals', '[]')) ORDER BY (value ->> 'id')::bigint LOOP
            UPDATE df.signals SET consumed_at = clock_timestamp(), consumed_by = v_part ->> 'node'
            WHERE id = (v_part ->> 'id')::bigint AND instance_id = left(p_instance, 8) AND consumed_at IS NULL;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'perdure: instance %, node %: stale checkpoint, signal % is consumed',
                    p_instance, v_part ->> 'node', v_part ->> 'id' USING ERRCODE = 'DF001';
            END IF;
        END LOOP;
        IF p_also ? 'maps' THEN
            -- A cancel, and the end of an instance that cannot go on, come before what anybody has decided; of two answers the first one.
            PERFORM df._end_maps(p_instance, p_also -> 'maps', NOT p_also ? 'signals' AND NOT p_also -> 'maps' @> '[{"node": "*"}]'
                AND EXISTS (SELECT FROM df.instances i WHERE i.id = left(p_instance, 8) AND i.status IN ('pending', 'running')));
        END IF;
        v_part := p_also -> 'execution';
        -- Without a number of events: the nodes that began in this round, and the loop, whose stamp is that of the next one already.
        INSERT INTO df.executions (instance_id, execution_id, started_at, ended_at, event_count, output)
        SELECT p_instance, (v_part ->> 'number')::bigint - 1,
               coalesce((v_part ->> 'started_at')::timestamptz, greatest(
                   (SELECT e.ended_at FROM df.executions e WHERE e.instance_id = p_instance
                    AND e.execution_id = (v_part ->> 'number')::bigint - 2), i.started_at), i.created_at),
               clock_timestamp(),
               coalesce((v_part ->> 'events')::bigint, 1 + (
                   SELECT count(DISTINCT n.key) FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS n
                   WHERE c.instance_id = p_instance AND n.key <> i.root_node
                     -- Under a deadline of the instance the loop stands one scope deeper.
                     AND split_part(n.value ->> 'execution_id', '::',
                         CASE WHEN left(i.graph, 22) = '{"node_type":"TIMEOUT"' THEN 4 ELSE 2 END) = ((v_part ->> 'number')::bigint - 1)::text)),
               v_part ->> 'output'
        FROM df.instances i WHERE i.id = p_instance AND v_part IS NOT NULL;
        UPDATE df.instances SET execution_count = (v_part ->> 'number')::bigint WHERE id = p_instance AND v_part IS NOT NULL;
    END IF;
    IF p_also ? 'end' THEN
        v_part := p_also -> 'end';
        -- An instance that was cancelled in the meantime stays cancelled.
        WITH gone AS (
            DELETE FROM df._inbox WHERE instance_id = p_instance)
        UPDATE df.instances SET
            status = CASE WHEN status = 'cancelled' THEN status ELSE v_part ->> 'status' END,
            output = CASE WHEN status = 'cancelled' AND v_part ->> 'status' <> 'cancelled'
                          THEN 'canceled: ' || coalesce(cancel_reason, 'Cancelled by user') ELSE v_part ->> 'output' END,
            completed_at = CASE WHEN v_part ->> 'status' = 'completed' AND status <> 'cancelled' THEN clock_timestamp() END,
            started_at = coalesce(started_at, (v_part ->> 'started_at')::timestamptz),
            updated_at = clock_timestamp()
        WHERE id = p_instance AND status IN ('pending', 'running', 'cancelled')
        RETURNING status INTO v_status;
        IF v_status IS NULL THEN
            RAISE EXCEPTION 'perdure: instance %: stale checkpoint, it has already ended', p_instance USING ERRCODE = 'DF001';
        END IF;
    ELSIF p_also ? 'wake_at' THEN
        UPDATE df._inbox SET wake_at = (p_also ->> 'wake_at')::timestamptz WHERE instance_id = p_instance;
    END IF;
    IF v_status = 'cancelled' OR p_also ?| '{cancelled,superseded,marked,compensated}' THEN
        IF v_status = 'cancelled' OR p_also ? 'cancelled' THEN
            DELETE FROM df._cancels WHERE instance_id = p_instance;
        END IF;
        IF p_also ? 'compensated' THEN
            UPDATE df.instances SET compensated = true WHERE id = p_instance AND NOT compensated;
        END IF;
        IF p_also ? 'superseded' THEN
            DELETE FROM df._checkpoints
            WHERE instance_id = p_instance AND version < p_version AND state <> '{}'
              AND version = ANY (ARRAY(SELECT jsonb_array_elements_text(p_also -> 'superseded')::integer));
        END IF;
        -- The owner may have changed a mark since the snapshot of a step was taken; maintenance deletes what is left.
        IF p_also ? 'marked' AND current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM df._running WHERE instance_id = p_instance;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION df._also(text, integer, jsonb) IS 'Writes the parts of a decision beside the state of nodes; raises DF001 when it was made on another state.';

CREATE OR REPLACE FUNCTION df._refuse(p_code text, p_epoch bigint, p_current bigint, p_instance text, p_version integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    CASE p_code
        WHEN 'DF002' THEN
            RAISE EXCEPTION 'perdure: term % is over, the current term is %', p_epoch, p_current USING ERRCODE = 'DF002';
        WHEN 'DF003' THEN
            RAISE EXCEPTION 'perdure: this checkpoint is not authorised' USING ERRCODE = 'DF003',
                HINT = 'Only the worker can write checkpoints.';
        WHEN 'DF005' THEN
            RAISE EXCEPTION 'perdure: instance % is cancelled, its steps cannot share a transaction', p_instance
                USING ERRCODE = 'DF005';
        ELSE
            RAISE EXCEPTION 'perdure: instance %: stale checkpoint, version % is taken', p_instance, p_version
                USING ERRCODE = 'DF001';
    END CASE;
END
$$;
COMMENT ON FUNCTION df._refuse(text, bigint, bigint, text, integer) IS
    'Raises the error of a checkpoint that is not written.';

-- No SET clause: it becomes a part of the query that calls it, which is planned once in a session. Keyed at both ends, so that nobody can
-- lengthen what he has seen a token of.
CREATE OR REPLACE FUNCTION df._token(p_key bytea, VARIADIC p_words text[]) RETURNS bytea
LANGUAGE sql STABLE
AS $$
SELECT pg_catalog.sha256($1 OPERATOR(pg_catalog.||) pg_catalog.sha256($1 OPERATOR(pg_catalog.||)
    pg_catalog.convert_to(pg_catalog.array_to_string($2, E'\x1f'), 'UTF8')))
$$;
COMMENT ON FUNCTION df._token(bytea, text[]) IS
    'The authorisation of a checkpoint with these words. Called with the settings of its callers.';

-- Definer: submitters have no right on the worker's tables. Runs no user code, evaluates no text.
--
-- ON CONFLICT costs no subtransaction. With an older snapshot it could not say what it met, so there the error is caught.
CREATE OR REPLACE FUNCTION df.checkpoint(
    p_token bytea, p_epoch bigint, p_instance text, p_version integer, p_state text, p_also text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
-- Plans are kept for as long as a session lives, and may have been made while the tables were small. What cannot be read in another
-- way, as a sequence, then looks so expensive that it would be compiled.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_epoch bigint;
    v_problem text;
    v_receipt text;
    v_taken integer;
    v_told text;
    v_nothing text;
BEGIN
    v_nothing := concat(set_config('synchronous_commit', 'on', true),
        CASE WHEN current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '30s'
             THEN set_config('lock_timeout', '30s', true) END);
    IF current_setting('transaction_isolation') = 'read committed' THEN
        INSERT INTO df._checkpoints (instance_id, version, bytes, state)
        VALUES (p_instance, p_version, octet_length(p_state), p_state::jsonb)
        ON CONFLICT DO NOTHING RETURNING version INTO v_taken;
    ELSE
        BEGIN
            INSERT INTO df._checkpoints (instance_id, version, bytes, state)
            VALUES (p_instance, p_version, octet_length(p_state), p_state::jsonb) RETURNING version INTO v_taken;
        EXCEPTION WHEN unique_violation THEN
            v_taken := NULL;
        END;
    END IF;
    -- The epoch is read after the row was inserted. One query: each expression of PL/pgSQL is set up anew in every transaction.
    SELECT s.last_value,
           CASE WHEN s.last_value IS DISTINCT FROM p_epoch THEN 'DF002'
                WHEN p_token IS DISTINCT FROM df._token(e.key, 'C', p_epoch::text, p_instance, p_version::text,
                    quote_ident(session_user)::regrole::oid::text, p_state, coalesce(p_also, ''))
                    THEN 'DF003'
                WHEN v_taken IS NULL OR EXISTS (
                    SELECT FROM df._checkpoints c WHERE c.instance_id = p_instance AND c.version > p_version) THEN 'DF001'
                -- Which of the steps cancelled it is not known; what follows that one must not happen.
                WHEN x.instance_id IS NOT NULL AND p_also::jsonb ? 'shared' THEN 'DF005' END,
           concat(encode(sha256(e.key || p_token), 'hex'),
                CASE WHEN EXISTS (SELECT FROM pg_prepared_statement() p WHERE p.from_sql) THEN ':prepared' END,
                CASE WHEN x.instance_id IS NOT NULL THEN ':cancelled' END,
                -- Nothing, with what the step has written on other nodes (R__33_two_phase.sql).
                CASE WHEN to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN df._in_two_phases() END),
           nullif(current_setting('df.told', true), '')
    INTO v_epoch, v_problem, v_receipt, v_told
    FROM df._epoch_seq s CROSS JOIN df._epoch e LEFT JOIN df._cancels x ON x.instance_id = p_instance;
    -- Without a row there is no term.
    IF v_problem IS NOT NULL OR v_receipt IS NULL THEN
        PERFORM df._refuse(coalesce(v_problem, 'DF002'), p_epoch, v_epoch, p_instance, p_version);
    END IF;
    IF p_also IS NOT NULL THEN
        v_nothing := df._also(p_instance, p_version, p_also::jsonb);
    END IF;
    IF v_told IS NOT NULL THEN
        v_nothing := df._tell(p_instance, v_told);
    END IF;
    RETURN v_receipt;
END
$$;
COMMENT ON FUNCTION df.checkpoint(bytea, bigint, text, integer, text, text) IS
    'Called by the worker in a step''s own transaction: takes the version of the instance and writes the rows that the token authorises. Returns a receipt, followed by :prepared when the session has statements that were prepared in SQL, and by :cancelled when the instance is cancelled.';

-- Raises DF002 unless p_epoch is the current term.
CREATE OR REPLACE FUNCTION df._fence(p_epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_epoch bigint := (SELECT s.last_value FROM df._epoch_seq s);
BEGIN
    IF v_epoch <> p_epoch THEN
        RAISE EXCEPTION 'perdure: term % is over, the current term is %', p_epoch, v_epoch USING ERRCODE = 'DF002';
    END IF;
END
$$;
COMMENT ON FUNCTION df._fence(bigint) IS 'Raises DF002 unless the given epoch is the current term.';

-- Each in a subtransaction of its own, and none waits for what a user can lock: the row of the instance is had at once or not
-- at all, and a version only waits for a transaction of the same instance, for a moment. A user may have thousands that wait in vain, or
-- that do much, such as the end of a map with thousands of items: when a few have waited, or all have lasted for a while, the rest goes
-- with the next call.
CREATE OR REPLACE FUNCTION df._write(
    p_epoch bigint, p_instances text[], p_versions integer[], p_states text[], p_also text[])
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    most CONSTANT interval := '40 milliseconds';
    most_in_vain CONSTANT integer := 5;
    v_began CONSTANT timestamptz := clock_timestamp();
    v_in_vain integer := 0;
    v_also jsonb;
    v_taken integer;
    v_answer text;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(p_instances), 0) LOOP
        EXIT WHEN v_in_vain >= most_in_vain OR clock_timestamp() > v_began + most;
        BEGIN
            v_answer := 'ok';
            v_also := p_also[i]::jsonb;
            IF v_also ?| '{end,execution,compensated}' AND strpos(p_instances[i], '.') = 0 THEN
                PERFORM FROM df.instances n WHERE n.id = p_instances[i] FOR NO KEY UPDATE SKIP LOCKED;
                IF NOT FOUND THEN
                    v_answer := CASE WHEN EXISTS (SELECT FROM df.instances n WHERE n.id = p_instances[i])
                                     THEN 'locked' ELSE 'stale' END;
                END IF;
            END IF;
            IF strpos(p_instances[i], '.') > 0 THEN
                v_answer := df._write_item(p_instances[i], p_versions[i], p_states[i], p_also[i]);
            ELSIF v_answer = 'ok' THEN
                INSERT INTO df._checkpoints (instance_id, version, bytes, state)
                VALUES (p_instances[i], p_versions[i], octet_length(p_states[i]), p_states[i]::jsonb)
                ON CONFLICT DO NOTHING RETURNING version INTO v_taken;
                IF v_taken IS NULL
                    OR EXISTS (SELECT FROM df._checkpoints c WHERE c.instance_id = p_instances[i] AND c.version > p_versions[i])
                    OR p_versions[i] > 1 AND NOT EXISTS (SELECT FROM df._checkpoints c
                        WHERE c.instance_id = p_instances[i] AND c.version = p_versions[i] - 1)
                THEN
                    RAISE EXCEPTION 'stale' USING ERRCODE = 'DF001';
                END IF;
                IF v_also IS NOT NULL THEN
                    PERFORM df._also(p_instances[i], p_versions[i], v_also);
                END IF;
            END IF;
        EXCEPTION
            WHEN SQLSTATE 'DF001' THEN
                v_answer := 'stale';
            WHEN lock_not_available OR deadlock_detected THEN
                v_answer := 'locked';
                v_in_vain := v_in_vain + 1;
                PERFORM set_config('lock_timeout', '1ms', true);
            WHEN assert_failure OR OTHERS THEN
                -- What the decision itself causes (a \u0000, a value out of range, a trigger of the owner's) must not take the others down. What
                -- befalls the server, or the session, is nobody's: it is asked again.
                IF left(SQLSTATE, 2) IN ('08', '25', '28', '40', '53', '55', '57', '58') OR SQLSTATE ~ '^DF00' THEN
                    RAISE;
                ELSIF left(SQLSTATE, 2) IN ('42', 'F0', 'XX') THEN
                    -- A right that is missing or a broken page is no workflow's: it waits until somebody has mended that.
                    RAISE WARNING 'perdure: a decision of instance % cannot be written, and is tried again: %', p_instances[i], SQLERRM;
                    v_answer := 'locked';
                ELSE
                    v_answer := concat('rejected:', SQLSTATE, ':', SQLERRM);
                END IF;
        END;
        RETURN NEXT v_answer;
    END LOOP;
    -- Last: a term that begins later meets the rows.
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._write(bigint, text[], integer[], text[], text[]) IS
    'The owner''s decisions, each with an answer of its own: ok, stale, locked, or rejected:<SQLSTATE>:<message>; the last ones have no answer, and nothing is written of them, when the others have taken long. A state {} claims the version and says nothing.';

REVOKE EXECUTE ON FUNCTION df._token(bytea, text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._refuse(text, bigint, bigint, text, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._also(text, integer, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._fence(bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._write(bigint, text[], integer[], text[], text[]) FROM PUBLIC;
