-- What the worker calls (architecture 4, 5). Only df.checkpoint and df.checkpoint_step can be executed by submitters:
-- the worker calls them in the submitter's session, so that a step and its checkpoint commit together. They prove the
-- worker's authorisation by a token that is a MAC over everything that is written. All other functions are the owner's.
--
-- SQLSTATEs of our own: DF001 stale (the rows are not as the worker believes: load again), DF002 fenced (another term
-- has begun: stop), DF003 refused (token, submitter).

-- Raises DF002 unless p_epoch is the current term; otherwise keeps a take-over from finishing until the calling
-- transaction ends. ROW SHARE conflicts with the EXCLUSIVE lock of a take-over (df._settle_term), and not with the
-- ACCESS SHARE lock that pg_dump holds for as long as it runs. The lock must come before the sequence is read.
CREATE OR REPLACE FUNCTION df._fence(p_epoch bigint) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key bytea;
    v_epoch bigint;
BEGIN
    LOCK TABLE df._epoch IN ROW SHARE MODE;
    SELECT s.last_value, e.key INTO v_epoch, v_key FROM df._epoch_seq s LEFT JOIN df._epoch e ON true;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        RAISE EXCEPTION 'perdure: term % is over, the current term is %', p_epoch, v_epoch USING ERRCODE = 'DF002';
    END IF;
    RETURN v_key;
END
$$;
COMMENT ON FUNCTION df._fence(bigint) IS 'Raises DF002 unless the given epoch is the current term; returns the term''s key.';

-- Writes one checkpoint document. Compare-and-set: a row must carry the stamp that the worker believes it has ("p"),
-- or already the new one ("s") with a status that is not terminal (a running mark). Rows come ordered by node id
-- (lock order: nodes, then signals, then the instance row, and that only when it changes).
--   {"n": [{"n": node, "p": prior stamp, "s": stamp, "t": status, "r": index into "r" and "c", "e": error,
--           "x": canceled reason, "w": wake_at, "b": started_at, "a": attempt, "q": executed query, "d": bindings,
--           "o": at-least-once reason, "k": kind of failure}, …],
--    "r": [result, …], "c": [columns, …],
--    "g": [{"i": id of a signal that is consumed, "n": node}, …], ordered by id,
--    "m": true when several steps share the transaction,
--    "f": true when df._complete does, which see,
--    "x": {"n": execution, "o": output of the previous one},
--    "t": status at the end, "o": output}
CREATE OR REPLACE FUNCTION df._apply(p_instance text, p_status text, p_doc jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t jsonb;
    v_index integer;
    v_count integer;
    v_status text := p_status;
BEGIN
    FOR t IN SELECT value FROM jsonb_array_elements(p_doc -> 'n') LOOP
        v_index := (t ->> 'r')::integer;
        UPDATE df.nodes SET
            status = t ->> 't',
            result = CASE
                WHEN v_index IS NOT NULL THEN p_doc -> 'r' -> v_index
                WHEN t ->> 't' = 'failed' THEN t -> 'e'
            END,
            result_columns = CASE WHEN v_index IS NOT NULL THEN nullif(p_doc -> 'c' -> v_index, 'null') END,
            error = t ->> 'e',
            wake_at = (t ->> 'w')::timestamptz,
            started_at = coalesce((t ->> 'b')::timestamptz, started_at),
            attempt = coalesce((t ->> 'a')::integer,
                               CASE WHEN status_details ->> 'execution_id' = t ->> 's' THEN attempt ELSE 0 END),
            executed_query = t ->> 'q',
            bindings = t -> 'd',
            updated_at = clock_timestamp(),
            status_details = jsonb_strip_nulls(jsonb_build_object(
                'execution_id', t -> 's', 'canceled', t -> 'x', 'at_least_once', t -> 'o', 'code', t -> 'k'))
        WHERE instance_id = p_instance AND id = t ->> 'n'
          AND ((status_details ->> 'execution_id' IS NOT DISTINCT FROM t ->> 'p' AND t ->> 'p' IS DISTINCT FROM t ->> 's')
               OR (status_details ->> 'execution_id' = t ->> 's' AND status IN ('pending', 'running'))
               -- A JOIN or RACE puts its own text on the row of a LOOP branch that has failed (specification 4.7).
               OR (status_details ->> 'execution_id' = t ->> 's' AND node_type = 'LOOP' AND status = 'failed'
                   AND t ->> 't' = 'failed'));
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count <> 1 THEN
            RAISE EXCEPTION 'perdure: instance %, node %: stale checkpoint', p_instance, t ->> 'n'
                USING ERRCODE = 'DF001';
        END IF;
    END LOOP;
    FOR t IN SELECT value FROM jsonb_array_elements(p_doc -> 'g') LOOP
        UPDATE df.signals SET consumed_at = clock_timestamp(), consumed_by = t ->> 'n', seen = true
        WHERE id = (t ->> 'i')::bigint AND instance_id = p_instance AND consumed_at IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'perdure: instance %, node %: stale checkpoint, signal % is consumed',
                p_instance, t ->> 'n', t ->> 'i' USING ERRCODE = 'DF001';
        END IF;
    END LOOP;
    IF p_doc ? 'x' THEN
        -- The nodes that began in this round, and the loop itself, whose stamp is that of the next one already.
        INSERT INTO df.executions (instance_id, execution_id, started_at, ended_at, event_count, output)
        SELECT p_instance, (p_doc -> 'x' ->> 'n')::bigint - 1,
               coalesce((SELECT e.ended_at FROM df.executions e WHERE e.instance_id = p_instance
                         AND e.execution_id = (p_doc -> 'x' ->> 'n')::bigint - 2), i.started_at),
               clock_timestamp(),
               1 + (SELECT count(*) FROM df.nodes n WHERE n.instance_id = p_instance AND n.status <> 'pending'
                    AND split_part(n.status_details ->> 'execution_id', '::', 2) = ((p_doc -> 'x' ->> 'n')::bigint - 1)::text),
               p_doc -> 'x' ->> 'o'
        FROM df.instances i WHERE i.id = p_instance;
        UPDATE df.instances SET execution_count = (p_doc -> 'x' ->> 'n')::bigint WHERE id = p_instance;
    END IF;
    IF p_doc ? 't' THEN
        v_status := df._end_instance(p_instance, p_doc ->> 't', p_doc ->> 'o');
    END IF;
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION df._apply(text, text, jsonb) IS
    'Writes one checkpoint document by compare-and-set; raises DF001 when a row is not as expected. Returns the instance''s status.';

-- An instance that was cancelled in the meantime stays cancelled.
CREATE OR REPLACE FUNCTION df._end_instance(p_instance text, p_status text, p_output text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_status text;
BEGIN
    UPDATE df.instances SET
        status = CASE WHEN status = 'cancelled' THEN status ELSE p_status END,
        output = CASE WHEN status = 'cancelled' AND p_status <> 'cancelled'
                      THEN 'canceled: ' || coalesce(cancel_reason, 'Cancelled') ELSE p_output END,
        completed_at = CASE WHEN p_status = 'completed' AND status <> 'cancelled' THEN clock_timestamp() END,
        updated_at = clock_timestamp()
    WHERE id = p_instance AND status IN ('pending', 'running', 'cancelled')
    RETURNING status INTO v_status;
    IF v_status IS NULL THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, it has already ended', p_instance
            USING ERRCODE = 'DF001';
    END IF;
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION df._end_instance(text, text, text) IS 'Ends an instance unless it was cancelled; returns its status.';

-- The same for a document that says so ("f"): all its nodes have completed, each once, and nothing else is to be written of
-- them. One statement for all nodes, whatever their number.
CREATE OR REPLACE FUNCTION df._complete(p_instance text, p_doc jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
-- Plans are kept for as long as a session lives. Rows are locked in the order of the document, which a hash join would not.
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_count integer;
BEGIN
    UPDATE df.nodes d SET
        status = 'completed',
        result = p_doc -> 'r' -> t.r,
        result_columns = nullif(p_doc -> 'c' -> t.r, 'null'),
        error = NULL,
        wake_at = NULL,
        started_at = coalesce(t.b, d.started_at),
        attempt = coalesce(t.a, CASE WHEN d.status_details ->> 'execution_id' = t.s THEN d.attempt ELSE 0 END),
        executed_query = t.q,
        bindings = NULL,
        updated_at = clock_timestamp(),
        status_details = jsonb_build_object('execution_id', t.s)
    FROM jsonb_to_recordset(p_doc -> 'n')
        AS t(n text, p text, s text, r integer, b timestamptz, a integer, q text)
    WHERE d.instance_id = p_instance AND d.id = t.n
      AND ((d.status_details ->> 'execution_id' IS NOT DISTINCT FROM t.p AND t.p IS DISTINCT FROM t.s)
           OR (d.status_details ->> 'execution_id' = t.s AND d.status IN ('pending', 'running')));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count <> jsonb_array_length(p_doc -> 'n') THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, % of % nodes are as expected',
            p_instance, v_count, jsonb_array_length(p_doc -> 'n') USING ERRCODE = 'DF001';
    END IF;
END
$$;
COMMENT ON FUNCTION df._complete(text, jsonb) IS
    'Writes the nodes of a checkpoint document of which all have completed, by compare-and-set; raises DF001 when a row is not as expected.';

-- Definer: submitters have no right to write status or result of df.nodes. Runs no user code, evaluates no text.
--
-- The fence keeps a take-over waiting until this transaction ends, so a submitter must not be able to make that late: what
-- triggers do at COMMIT, and locks that are waited for here, have a limit that is set behind the user's last statement.
CREATE OR REPLACE FUNCTION df.checkpoint(p_token bytea, p_epoch bigint, p_instance text, p_doc text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key bytea;
    v_status text;
    v_submitter oid;
    v_epoch bigint;
    v_prepared text;
    v_doc jsonb;
    v_nothing text;
BEGIN
    v_status := concat(set_config('synchronous_commit', 'on', true), set_config('statement_timeout', '60s', true),
        CASE WHEN current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '30s'
             THEN set_config('lock_timeout', '30s', true) END);
    -- df._fence, written out and with one read in place of two: this is the hot path.
    LOCK TABLE df._epoch IN ROW SHARE MODE;
    SELECT s.last_value, e.key, i.status, i.submitted_by,
           CASE WHEN EXISTS (SELECT FROM pg_prepared_statement() p WHERE p.from_sql) THEN ':prepared' END
    INTO v_epoch, v_key, v_status, v_submitter, v_prepared
    FROM df._epoch_seq s, df._epoch e LEFT JOIN df.instances i ON i.id = p_instance;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        RAISE EXCEPTION 'perdure: term % is over, the current term is %', p_epoch, v_epoch USING ERRCODE = 'DF002';
    END IF;
    IF v_key IS NULL OR p_token IS DISTINCT FROM sha256(v_key || sha256(v_key || convert_to(
            concat_ws(E'\x1f', 'D', p_epoch::text, p_instance, p_doc), 'UTF8'))) THEN
        RAISE EXCEPTION 'perdure: this checkpoint is not authorised' USING ERRCODE = 'DF003',
            HINT = 'Only the worker can write checkpoints.';
    END IF;
    IF v_submitter IS DISTINCT FROM quote_ident(session_user)::regrole::oid THEN
        RAISE EXCEPTION 'perdure: instance % was not submitted by %', p_instance, session_user USING ERRCODE = 'DF003';
    END IF;
    IF v_status IN ('completed', 'failed') THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, it has already ended', p_instance
            USING ERRCODE = 'DF001';
    END IF;
    v_doc := p_doc::jsonb;
    -- Cancelled in the middle: the step that was to see it has already run. All are undone, and the first is run alone.
    IF v_status = 'cancelled' AND v_doc ? 'm' THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, it was cancelled', p_instance USING ERRCODE = 'DF001';
    END IF;
    IF v_doc ? 'f' THEN
        v_nothing := df._complete(p_instance, v_doc);
        IF v_doc ? 't' THEN
            v_status := df._end_instance(p_instance, v_doc ->> 't', v_doc ->> 'o');
        END IF;
    ELSE
        v_status := df._apply(p_instance, v_status, v_doc);
    END IF;
    RETURN concat(v_status, ':', encode(sha256(v_key || p_token), 'hex'), v_prepared);
END
$$;
COMMENT ON FUNCTION df.checkpoint(bytea, bigint, text, text) IS
    'Called by the worker in a step''s own transaction: writes the checkpoint document that the token authorises. Returns <instance status>:<receipt>, followed by :prepared when the session has statements that were prepared in SQL.';

-- The fast path: one SQL step completed, and with it enclosing nodes of the same stamp with the same result.
CREATE OR REPLACE FUNCTION df.checkpoint_step(
    p_token bytea, p_epoch bigint, p_instance text, p_node text, p_parents text, p_prior text, p_stamp text,
    p_ends boolean, p_started_at text, p_attempt integer, p_result text, p_columns text, p_executed text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- An array in a condition looks cheaper when its value is known, so that it would be planned anew at each call.
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_key bytea;
    v_status text;
    v_submitter oid;
    v_epoch bigint;
    v_prepared text;
    v_count integer;
    v_result jsonb;
    v_columns jsonb;
    v_details jsonb;
    v_parents text[];
BEGIN
    v_status := concat(set_config('synchronous_commit', 'on', true), set_config('statement_timeout', '60s', true),
        CASE WHEN current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '30s'
             THEN set_config('lock_timeout', '30s', true) END);
    -- df._fence, written out and with one read in place of two: this is the hot path.
    LOCK TABLE df._epoch IN ROW SHARE MODE;
    SELECT s.last_value, e.key, i.status, i.submitted_by,
           CASE WHEN EXISTS (SELECT FROM pg_prepared_statement() p WHERE p.from_sql) THEN ':prepared' END
    INTO v_epoch, v_key, v_status, v_submitter, v_prepared
    FROM df._epoch_seq s, df._epoch e LEFT JOIN df.instances i ON i.id = p_instance;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        RAISE EXCEPTION 'perdure: term % is over, the current term is %', p_epoch, v_epoch USING ERRCODE = 'DF002';
    END IF;
    IF v_key IS NULL OR p_token IS DISTINCT FROM sha256(v_key || sha256(v_key || convert_to(concat_ws(E'\x1f', 'S',
            p_epoch::text, p_instance, p_node, p_parents, coalesce(p_prior, ''), p_stamp, p_ends::text, p_started_at,
            p_attempt::text, p_result, p_columns, p_executed), 'UTF8'))) THEN
        RAISE EXCEPTION 'perdure: this checkpoint is not authorised' USING ERRCODE = 'DF003',
            HINT = 'Only the worker can write checkpoints.';
    END IF;
    IF v_submitter IS DISTINCT FROM quote_ident(session_user)::regrole::oid THEN
        RAISE EXCEPTION 'perdure: instance % was not submitted by %', p_instance, session_user USING ERRCODE = 'DF003';
    END IF;
    IF v_status IN ('completed', 'failed') THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, it has already ended', p_instance
            USING ERRCODE = 'DF001';
    END IF;
    v_result := p_result::jsonb;
    v_columns := nullif(p_columns, '')::jsonb;
    v_details := jsonb_build_object('execution_id', p_stamp);
    UPDATE df.nodes SET
        status = 'completed', result = v_result, result_columns = v_columns, error = NULL, wake_at = NULL,
        started_at = p_started_at::timestamptz, attempt = p_attempt, executed_query = p_executed,
        updated_at = clock_timestamp(), status_details = v_details
    WHERE instance_id = p_instance AND id = p_node
      AND ((status_details ->> 'execution_id' IS NOT DISTINCT FROM p_prior AND p_prior IS DISTINCT FROM p_stamp)
           OR (status_details ->> 'execution_id' = p_stamp AND status IN ('pending', 'running')));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = 1 AND p_parents <> '' THEN
        v_parents := string_to_array(p_parents, ',');
        UPDATE df.nodes SET
            status = 'completed', result = v_result, result_columns = v_columns, error = NULL, wake_at = NULL,
            updated_at = clock_timestamp(), status_details = v_details
        WHERE instance_id = p_instance AND id = ANY (v_parents)
          AND ((status_details ->> 'execution_id' IS NOT DISTINCT FROM p_prior AND p_prior IS DISTINCT FROM p_stamp)
               OR (status_details ->> 'execution_id' = p_stamp AND status IN ('pending', 'running')));
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_count := v_count - cardinality(v_parents) + 1;
    END IF;
    IF v_count <> 1 THEN
        RAISE EXCEPTION 'perdure: instance %, node %: stale checkpoint', p_instance, p_node USING ERRCODE = 'DF001';
    END IF;
    IF p_ends THEN
        v_status := df._end_instance(p_instance, 'completed', p_result);
    END IF;
    RETURN concat(v_status, ':', encode(sha256(v_key || p_token), 'hex'), v_prepared);
END
$$;
COMMENT ON FUNCTION df.checkpoint_step(
    bytea, bigint, text, text, text, text, text, boolean, text, integer, text, text, text) IS
    'Called by the worker in a step''s own transaction: the step completed, with it the enclosing nodes p_parents (comma-separated), and the instance when p_ends. Returns <instance status>:<receipt>, followed by :prepared when the session has statements that were prepared in SQL.';

CREATE OR REPLACE FUNCTION df._checkpoints(p_epoch bigint, p_instances text[], p_docs text[]) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_status text;
BEGIN
    PERFORM df._fence(p_epoch);
    FOR i IN 1 .. cardinality(p_docs) LOOP
        BEGIN
            SELECT status INTO v_status FROM df.instances WHERE id = p_instances[i];
            IF v_status IS NULL OR v_status IN ('completed', 'failed') THEN
                RETURN NEXT 'stale';
            ELSE
                RETURN NEXT df._apply(p_instances[i], v_status, p_docs[i]::jsonb);
            END IF;
        EXCEPTION
            WHEN SQLSTATE 'DF001' THEN RETURN NEXT 'stale';
            -- What the document itself causes (a \u0000, a value out of range) must not take the others down.
            WHEN data_exception OR program_limit_exceeded OR integrity_constraint_violation THEN
                RETURN NEXT 'error:' || SQLSTATE || ':' || SQLERRM;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._checkpoints(bigint, text[], text[]) IS
    'The owner''s checkpoints (timers, failures), a batch in one transaction: per document the instance''s status, stale, or error:<SQLSTATE>:<message>.';

-- Volatile, so that a call in one statement with df._take sees what that has written.
-- What it returns grows from version to version, which CREATE OR REPLACE refuses.
DROP FUNCTION IF EXISTS df._load(text[]);
CREATE OR REPLACE FUNCTION df._load(p_instances text[]) RETURNS TABLE (
    instance_id text, root_node text, label text, vars text, database text, instance_status text, cancel_reason text,
    role_oid bigint, role_name text, role_blocked boolean,
    node_id text, node_type text, query text, result_name text, left_node text, right_node text,
    node_submitted_by bigint, node_database text,
    node_status text, stamp text, canceled boolean, result text, result_columns text, wake_at timestamptz,
    started_at timestamptz, attempt integer, bindings text, code text, created_at timestamptz, definition_bytes bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
-- Planned once a session: in SQL the query was planned at each call, which took longer than reading a few instances.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT i.id::text, i.root_node::text, i.label, CASE WHEN n.id = i.root_node THEN i.vars::text END,
           nullif(i.database, current_database()), i.status,
           i.cancel_reason, i.submitted_by::oid::bigint, r.rolname::text,
           r.rolsuper AND NOT coalesce((SELECT lower(s.value) IN ('on', 'true', 'yes', '1') FROM df.settings s
                                        WHERE s.name = 'enable_superuser_instances'), false),
           n.id::text, n.node_type, n.query, n.result_name, n.left_node::text, n.right_node::text,
           n.submitted_by::oid::bigint,
           nullif(n.database, current_database()), n.status,
           n.status_details ->> 'execution_id', n.status_details ? 'canceled', n.result::text, n.result_columns::text,
           n.wake_at, n.started_at, n.attempt, n.bindings::text, n.status_details ->> 'code', i.created_at, d.bytes
    FROM df.instances i
    LEFT JOIN pg_roles r ON r.oid = i.submitted_by
    -- Lengths are known without reading the texts. What is over the limit is not read at all.
    CROSS JOIN LATERAL (SELECT coalesce(sum(octet_length(x.query)), 0)::bigint AS bytes
                        FROM (SELECT y.query FROM df.nodes y WHERE y.instance_id = i.id LIMIT 10001) x) d
    -- One more than the limit, so that an excess is noticed and not read.
    LEFT JOIN LATERAL (SELECT * FROM df.nodes x WHERE x.instance_id = i.id AND d.bytes <= 67108864 LIMIT 10001) n ON true
    WHERE i.id = ANY (p_instances)
    ORDER BY i.created_at, i.id;
END
$$;
COMMENT ON FUNCTION df._load(text[]) IS 'Everything the worker needs of the given instances, one row a node.';

-- A graph has up to 10,000 nodes of up to 1 MiB, and loads have to stay small.
CREATE OR REPLACE FUNCTION df._first_with_nodes(p_instances text[], p_max_nodes integer) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_nodes bigint := 0;
    v_count bigint;
BEGIN
    IF cardinality(p_instances) = 1 THEN
        RETURN p_instances;
    END IF;
    FOR i IN 1 .. cardinality(p_instances) LOOP
        -- Each KiB that a node or the variables hold counts as a node, too.
        SELECT count(*) + coalesce(sum(octet_length(x.query) + coalesce(octet_length(x.result::text), 0)), 0) / 1024
               + coalesce((SELECT octet_length(n.vars::text) FROM df.instances n WHERE n.id = p_instances[i]), 0) / 1024
        INTO v_count
        FROM (SELECT n.query, n.result FROM df.nodes n WHERE n.instance_id = p_instances[i] LIMIT 10001) x;
        v_nodes := v_nodes + v_count;
        IF v_nodes > p_max_nodes AND i > 1 THEN
            RETURN p_instances[1 : i - 1];
        END IF;
    END LOOP;
    RETURN p_instances;
END
$$;
COMMENT ON FUNCTION df._first_with_nodes(text[], integer) IS
    'As many of the given instances, from the first on, as have up to p_max_nodes nodes and KiB of texts in sum; at least one.';

-- A lost take is taken again: the commit need not be waited for. Whatever is committed after it makes it durable.
CREATE OR REPLACE FUNCTION df._taken(p_epoch bigint, p_ids text[], p_max_nodes integer) RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_ids text[];
    v_nothing text;
    v_key bytea;
BEGIN
    -- Assigned: PERFORM would run a query.
    v_nothing := set_config('synchronous_commit', 'off', true);
    v_key := df._fence(p_epoch);
    v_ids := df._first_with_nodes(p_ids, p_max_nodes);
    UPDATE df.instances SET status = 'running', started_at = coalesce(started_at, clock_timestamp()),
                            updated_at = clock_timestamp()
    WHERE id = ANY (v_ids);
    RETURN v_ids;
END
$$;
COMMENT ON FUNCTION df._taken(bigint, text[], integer) IS
    'Marks the first of the given pending instances, which the caller has locked, as running: as many as have up to p_max_nodes nodes in sum, at least one. Returns their ids.';

CREATE OR REPLACE FUNCTION df._take(p_epoch bigint, p_limit integer, p_max_nodes integer, p_except bigint[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
-- Plans are kept for as long as a session lives, and may have been made while the tables were small.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_roles oid[];
    v_ids text[];
BEGIN
    IF p_except = '{}' THEN
        -- In the order of idx_instances_status, read backwards. Mostly there are no more than can be taken.
        SELECT array_agg(p.id::text) INTO v_ids FROM (
            SELECT i.id FROM df.instances i WHERE i.status = 'pending'
            ORDER BY i.status DESC, i.created_at, i.id DESC LIMIT p_limit + 1 FOR NO KEY UPDATE SKIP LOCKED) p;
        IF v_ids IS NULL THEN
            RETURN '{}';
        END IF;
        IF cardinality(v_ids) <= p_limit THEN
            RETURN df._taken(p_epoch, v_ids, p_max_nodes);
        END IF;
    END IF;
    -- One descent of idx_instances_pending for each role, however many instances it has.
    WITH RECURSIVE role AS (
        (SELECT i.submitted_by::oid AS oid FROM df.instances i WHERE i.status = 'pending' ORDER BY i.submitted_by LIMIT 1)
        UNION ALL
        SELECT (SELECT i.submitted_by::oid FROM df.instances i WHERE i.status = 'pending' AND i.submitted_by > r.oid
                ORDER BY i.submitted_by LIMIT 1)
        FROM role r WHERE r.oid IS NOT NULL)
    SELECT array_agg(r.oid) INTO v_roles FROM role r WHERE r.oid IS NOT NULL AND r.oid::bigint <> ALL (p_except);
    IF v_roles IS NULL THEN
        RETURN '{}';
    END IF;
    -- The oldest of each role in turn: a role with many does not keep the others waiting.
    SELECT array_agg(p.id ORDER BY p.number, p.created_at, p.id) INTO v_ids FROM (
        SELECT i.id::text, i.created_at, row_number() OVER (PARTITION BY r.oid ORDER BY i.created_at, i.id) AS number
        FROM unnest(v_roles) AS r(oid), LATERAL (
            SELECT i.id, i.created_at FROM df.instances i WHERE i.status = 'pending' AND i.submitted_by = r.oid
            ORDER BY i.created_at, i.id LIMIT ceil(p_limit / cardinality(v_roles)::float8)::integer
            FOR NO KEY UPDATE SKIP LOCKED) i) p;
    RETURN CASE WHEN v_ids IS NULL THEN '{}' ELSE df._taken(p_epoch, v_ids, p_max_nodes) END;
END
$$;
COMMENT ON FUNCTION df._take(bigint, integer, integer, bigint[]) IS
    'Marks pending instances as running and returns their ids: about p_limit, of all roles but p_except alike, with up to p_max_nodes nodes and KiB of texts in sum (at least one instance).';

-- Workers of 0.1.0 call it so, and may lead while a newer one has migrated the schema.
CREATE OR REPLACE FUNCTION df._take(p_epoch bigint, p_limit integer, p_max_nodes integer) RETURNS text[]
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df._take(p_epoch, p_limit, p_max_nodes, '{}')
$$;
COMMENT ON FUNCTION df._take(bigint, integer, integer) IS 'df._take of all roles.';

CREATE OR REPLACE FUNCTION df._running_after(p_after text, p_limit integer, p_max_nodes integer) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT df._first_with_nodes(coalesce(array_agg(r.id::text), '{}'), p_max_nodes) FROM (
        SELECT id FROM df.instances WHERE status = 'running' AND id > p_after ORDER BY id LIMIT p_limit) r
$$;
COMMENT ON FUNCTION df._running_after(text, integer, integer) IS
    'Ids of running instances in order, a page at a time: workers of 0.1.0 take over by it.';

CREATE OR REPLACE FUNCTION df._running_before(p_created_at timestamptz, p_id text, p_limit integer)
RETURNS TABLE (id text, role bigint, created_at timestamptz, sleeps boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT r.id::text, r.submitted_by::oid::bigint, r.created_at, (
        SELECT true FROM df.nodes n
        WHERE n.instance_id = r.id AND n.status = 'running' AND n.wake_at > clock_timestamp() LIMIT 1) IS NOT NULL
    FROM (
        -- In the order of idx_instances_status.
        SELECT i.id, i.submitted_by, i.created_at FROM df.instances i
        WHERE i.status = 'running' AND i.created_at <= p_created_at AND (i.created_at < p_created_at OR i.id > p_id)
        ORDER BY i.created_at DESC, i.id LIMIT p_limit) r
    ORDER BY r.created_at DESC, r.id
$$;
COMMENT ON FUNCTION df._running_before(timestamptz, text, integer) IS
    'Running instances, the newest first, a page at a time, for taking them over: after the one with the given created_at and id, with the oid of the submitter and whether a timer of the instance is still to come.';

CREATE OR REPLACE FUNCTION df._mark_running(p_epoch bigint, p_marks text) RETURNS TABLE (instance_id text, node_id text)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM df._fence(p_epoch);
    RETURN QUERY
    WITH m AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(p_marks::jsonb) AS m(i text, n text, p text, s text, b text, a integer)
    ), locked AS MATERIALIZED (
        SELECT d.instance_id AS i, d.id AS n FROM m JOIN df.nodes d ON d.instance_id = m.i AND d.id = m.n
        WHERE (d.status_details ->> 'execution_id' IS NOT DISTINCT FROM m.p AND m.p IS DISTINCT FROM m.s)
           OR (d.status_details ->> 'execution_id' = m.s AND d.status IN ('pending', 'running'))
        ORDER BY d.instance_id, d.id
        FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    UPDATE df.nodes u SET
        status = 'running', result = NULL, result_columns = NULL, error = NULL, executed_query = NULL,
        started_at = coalesce(m.b::timestamptz, u.started_at), attempt = coalesce(m.a, u.attempt),
        updated_at = clock_timestamp(), status_details = jsonb_build_object('execution_id', m.s)
    FROM m JOIN locked l ON l.i = m.i AND l.n = m.n
    WHERE u.instance_id = m.i AND u.id = m.n
    RETURNING u.instance_id::text, u.id::text;
END
$$;
COMMENT ON FUNCTION df._mark_running(bigint, text) IS
    'Marks nodes as running, by compare-and-set and skipping locked rows. p_marks: [{"i": instance, "n": node, "p": prior stamp, "s": stamp, "b": started_at, "a": attempt}, …]. Returns what was marked.';

CREATE OR REPLACE FUNCTION df._cancelling(p_limit integer) RETURNS TABLE (instance_id text, reason text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT id, coalesce(cancel_reason, 'Cancelled by user') FROM df.instances
    WHERE status = 'cancelled' AND output IS NULL LIMIT p_limit
$$;
COMMENT ON FUNCTION df._cancelling(integer) IS 'Cancelled instances that the worker has not wound up yet.';

-- A lost mark is set again: the commit need not be waited for. An instance that begins to wait after this has read its
-- rows looks for itself.
CREATE OR REPLACE FUNCTION df._new_signals(p_epoch bigint, p_limit integer)
RETURNS TABLE (instance_id text, name text, waited_for boolean)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM df.signals s WHERE NOT s.seen) THEN
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM df._fence(p_epoch);
    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT s.id FROM df.signals s WHERE NOT s.seen ORDER BY s.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
    ), marked AS (
        UPDATE df.signals u SET seen = true FROM fresh WHERE u.id = fresh.id RETURNING u.id, u.instance_id, u.name
    )
    SELECT m.instance_id::text, m.name, EXISTS (
        SELECT FROM df.nodes n
        WHERE n.instance_id = m.instance_id AND n.node_type = 'SIGNAL' AND n.status = 'running')
    FROM marked m ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION df._new_signals(bigint, integer) IS
    'Signals that have come since the last call, each once, and whether their instance has a node that waits for signals.';

CREATE OR REPLACE FUNCTION df._oldest_signals(p_instances text[], p_names text[])
RETURNS TABLE (instance_id text, name text, id bigint, data text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT w.instance_id, w.name, s.id, coalesce(s.data::text, 'null')
    FROM unnest(p_instances, p_names) AS w(instance_id, name)
    CROSS JOIN LATERAL (
        SELECT x.id, x.data FROM df.signals x
        WHERE x.instance_id = w.instance_id AND x.name = w.name AND x.consumed_at IS NULL
        ORDER BY x.id LIMIT 1) s
$$;
COMMENT ON FUNCTION df._oldest_signals(text[], text[]) IS
    'For each pair of instance and name the oldest signal that nothing has consumed.';

CREATE OR REPLACE FUNCTION df._set_idle(p_epoch bigint, p_idle boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM df._fence(p_epoch);
    UPDATE df._wake SET idle = p_idle WHERE idle <> p_idle;
END
$$;
COMMENT ON FUNCTION df._set_idle(bigint, boolean) IS 'Says whether starts, signals and cancels must send a NOTIFY.';

-- Drawing the epoch comes first: from that moment no checkpoint of an older term can pass its fence.
CREATE OR REPLACE FUNCTION df._begin_term() RETURNS TABLE (epoch bigint, key bytea, epoch_id uuid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_key bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    v_epoch bigint := nextval('df._epoch_seq');
BEGIN
    UPDATE df._epoch SET key = v_key;
    DELETE FROM df._worker_epoch;
    INSERT INTO df._worker_epoch (epoch_id, started_at, last_seen_at) VALUES (v_id, clock_timestamp(), clock_timestamp());
    RETURN QUERY SELECT v_epoch, v_key, v_id;
END
$$;
COMMENT ON FUNCTION df._begin_term() IS 'Begins a term of leadership: draws the next epoch and a new key.';

-- Waits for checkpoints of earlier terms that are still in flight: each holds ROW SHARE until it ends.
CREATE OR REPLACE FUNCTION df._settle_term(p_epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '500ms'
AS $$
BEGIN
    LOCK TABLE df._epoch IN EXCLUSIVE MODE;
    IF (SELECT last_value FROM df._epoch_seq) <> p_epoch THEN
        RAISE EXCEPTION 'perdure: term % is over', p_epoch USING ERRCODE = 'DF002';
    END IF;
END
$$;
COMMENT ON FUNCTION df._settle_term(bigint) IS
    'Waits up to 500 ms (SQLSTATE 55P03 then: call again) until no checkpoint of an earlier term is in flight.';

-- A lock that is asked for again and again is had half an interval late on average; one that is waited for is had at once.
-- The wait is short, so that the standby sees other things too, its snapshot does not hold back VACUUM, and nothing is
-- logged: lock_timeout is caught, and log_lock_waits begins after deadlock_timeout.
CREATE OR REPLACE FUNCTION df._await_lock(p_key bigint, p_millis integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('lock_timeout', p_millis::text, true);
    PERFORM pg_advisory_lock(p_key);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._await_lock(bigint, integer) IS
    'Waits up to p_millis milliseconds for an advisory lock of the session; whether it has it now.';

REVOKE EXECUTE ON FUNCTION df._await_lock(bigint, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._fence(bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._apply(text, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._complete(text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._end_instance(text, text, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._checkpoints(bigint, text[], text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._load(text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._taken(bigint, text[], integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._take(bigint, integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._take(bigint, integer, integer, bigint[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._first_with_nodes(text[], integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._running_after(text, integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._running_before(timestamptz, text, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._mark_running(bigint, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._cancelling(integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._new_signals(bigint, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._oldest_signals(text[], text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._set_idle(bigint, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._begin_term() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._settle_term(bigint) FROM PUBLIC;

COMMENT ON COLUMN df.nodes.status_details IS
    '{"execution_id": <stamp>} (specification 5.1). "canceled": the node was interrupted, with the reason. "at_least_once": the step could not share a transaction with its checkpoint, with the reason. "code": what kind of failure it was, a SQLSTATE, http:<status> or http:error.';
COMMENT ON COLUMN df.nodes.error IS 'Error text of a failed node; of a RETRY that goes on, how its last attempt failed.';
COMMENT ON COLUMN df.nodes.attempt IS
    'Number of the latest attempt of the latest activation, from 1; 0 before any. Of a RETRY, the attempt that it waits for or is in.';
