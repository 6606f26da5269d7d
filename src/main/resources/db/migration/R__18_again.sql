-- df.redrive and df.fork: go on from where it failed (language.md, section 5). And options of requests (section 12).
--
-- Both take what is known of the nodes of an instance that has ended, and leave out what is to run again. What stays is put under
-- the stamps of a new execution, so that nothing of the old one, a mark that comes late or a receipt in another database, can be
-- taken for a part of the new one. A decision of the old one that has not been committed meets the version that a redrive takes.

---------------------------------------------------------------------------------------------------------------------
-- What stays
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._node_name(p_nodes jsonb, p_id text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT concat(p_id, ' (', p_nodes -> p_id ->> 't', ' ' || quote_literal(p_nodes -> p_id ->> 'n'), ')')
$$;
COMMENT ON FUNCTION df._node_name(jsonb, text) IS 'Internal: a node as messages call it: id, type and the name of its result.';

-- For each node: keep (with all that is below it), open (it goes on, and so do some of its children), drop. The nodes are those of
-- df._describe_node; the entries {<id>: [<status>, <whether it is of the present activation>]}.
--
-- Children run one after the other, but those of JOIN and RACE. A node that has completed is not looked into, unless p_from stands
-- in it. The failure that brought a CATCH to its handler stays, if it is the handler that goes on.
CREATE OR REPLACE FUNCTION df._rewind(p_root text, p_nodes jsonb, p_entries jsonb, p_from text)
RETURNS TABLE (node_id text, mode text)
LANGUAGE plpgsql IMMUTABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    modes text[];
    above integer[];
    -- Whether p_from is the node, or stands below it; whether anything of it is known; whether it is known of now.
    holds boolean[];
    known boolean[];
    present boolean[];
    order_of text[];
    ids text[] := ARRAY[p_root];
    children text[];
    entry jsonb;
    node jsonb;
    kind text;
    k integer;
    c integer;
    i integer;
    top integer := 1;
    going boolean;
    reached text;
    blocking text;
BEGIN
    -- Parents before children; who links nodes in circles meets each once.
    WHILE top > 0 LOOP
        reached := ids[top];
        top := top - 1;
        node := p_nodes -> reached;
        k := (node ->> 'i')::integer;
        CONTINUE WHEN node IS NULL OR known[k] IS NOT NULL;
        entry := p_entries -> reached;
        order_of := array_append(order_of, reached);
        known[k] := entry IS NOT NULL;
        present[k] := coalesce((entry ->> 1)::boolean, false);
        holds[k] := coalesce(reached = p_from, false);
        children := ARRAY[node ->> 'l', node ->> 'r', node ->> 'c'] || ARRAY(SELECT jsonb_array_elements_text(node -> 'x'));
        FOREACH reached IN ARRAY children LOOP
            c := (p_nodes -> reached ->> 'i')::integer;
            IF c IS NOT NULL AND known[c] IS NULL THEN
                top := top + 1;
                ids[top] := reached;
                above[c] := k;
            END IF;
        END LOOP;
    END LOOP;
    FOR i IN REVERSE coalesce(cardinality(order_of), 0) .. 1 LOOP
        k := (p_nodes -> order_of[i] ->> 'i')::integer;
        IF above[k] IS NOT NULL THEN
            holds[above[k]] := holds[above[k]] OR holds[k];
            known[above[k]] := known[above[k]] OR known[k];
            present[above[k]] := present[above[k]] OR present[k];
        END IF;
    END LOOP;

    IF p_from IS NOT NULL THEN
        k := (p_nodes -> p_from ->> 'i')::integer;
        IF k IS NULL OR holds[k] IS NULL THEN
            RAISE EXCEPTION 'there is no node %', quote_literal(p_from)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT id, node_type, query FROM df.nodes lists the nodes of an instance.';
        END IF;
        FOREACH reached IN ARRAY order_of LOOP
            i := (p_nodes -> reached ->> 'i')::integer;
            CONTINUE WHEN NOT holds[i] OR reached = p_from OR p_nodes -> reached ->> 't' <> 'LOOP';
            IF p_entries -> reached ->> 0 = 'completed' AND (p_entries -> reached ->> 1)::boolean THEN
                RAISE EXCEPTION 'node % is in a round of loop %, which has ended', df._node_name(p_nodes, p_from), df._node_name(p_nodes, reached)
                    USING ERRCODE = 'object_not_in_prerequisite_state',
                          HINT = format('The loop runs again from its first round with from_node => %L.', reached);
            END IF;
            blocking := reached;
        END LOOP;
        IF known[k] AND NOT present[k] THEN
            RAISE EXCEPTION 'node % has run in an earlier round only%', df._node_name(p_nodes, p_from),
                    ' of ' || df._node_name(p_nodes, blocking)
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = 'Without from_node it goes on from where it stands.';
        END IF;
        blocking := NULL;
    END IF;

    modes[(p_nodes -> p_root ->> 'i')::integer] := 'decide';
    FOREACH reached IN ARRAY coalesce(order_of, '{}') LOOP
        node := p_nodes -> reached;
        k := (node ->> 'i')::integer;
        kind := node ->> 't';
        entry := p_entries -> reached;
        -- An IF keeps the place of its condition, which may be in its query.
        children := array_remove(CASE kind
            WHEN 'IF' THEN ARRAY[coalesce(node ->> 'c', ''), node ->> 'l', coalesce(node ->> 'r', '')]
            WHEN 'MAP' THEN ARRAY[node ->> 'r', node ->> 'l']
            ELSE ARRAY[node ->> 'l', node ->> 'r', node ->> 'c'] || ARRAY(SELECT jsonb_array_elements_text(node -> 'x')) END, NULL);
        IF modes[k] = 'decide' THEN
            modes[k] := CASE
                WHEN reached = p_from THEN 'drop'
                WHEN NOT holds[k] AND entry ->> 0 = 'completed' AND (entry ->> 1)::boolean THEN 'keep'
                -- A child may have completed before its parent was told.
                WHEN kind = 'CALL' AND (entry ->> 1)::boolean THEN 'open'
                WHEN cardinality(children) = 0 THEN 'drop'
                ELSE 'open' END;
        END IF;
        IF kind = 'SAGA' AND modes[k] = 'open' AND holds[k] AND p_entries ->> concat('with_undo:', reached) IS NOT NULL THEN
            RAISE EXCEPTION 'node % is inside saga %, which runs again only as a whole', df._node_name(p_nodes, p_from), df._node_name(p_nodes, reached)
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = format('The saga runs again from its beginning with from_node => %L.', reached);
        END IF;
        going := true;
        FOR i IN 1 .. cardinality(children) LOOP
            c := (p_nodes -> children[i] ->> 'i')::integer;
            CONTINUE WHEN c IS NULL OR above[c] IS DISTINCT FROM k;
            entry := p_entries -> children[i];
            IF modes[k] <> 'open' THEN
                modes[c] := modes[k];
            ELSIF kind = 'SAGA' AND p_entries ? concat('undone:', reached) THEN
                -- It was undone: all of it is done again.
                modes[c] := 'drop';
            ELSIF kind IN ('JOIN', 'RACE') THEN
                modes[c] := CASE WHEN kind = 'RACE' AND holds[k] AND NOT holds[c] THEN 'drop' ELSE 'decide' END;
            ELSIF NOT going THEN
                IF holds[c] THEN
                    RAISE EXCEPTION 'node % has not been reached: % before it has not completed', df._node_name(p_nodes, p_from),
                            df._node_name(p_nodes, blocking)
                        USING ERRCODE = 'object_not_in_prerequisite_state',
                              HINT = 'Without from_node it goes on from where it stands.';
                END IF;
                modes[c] := 'drop';
            ELSIF kind = 'IF' AND i > 1 THEN
                -- Which branch was taken is known from what is known of the branches.
                IF holds[c] AND NOT present[c]
                    AND present[(p_nodes -> children[CASE i WHEN 2 THEN 3 ELSE 2 END] ->> 'i')::integer] THEN
                    RAISE EXCEPTION 'node % is in the branch that was not taken', df._node_name(p_nodes, p_from)
                        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'The condition can run again: it is a node, too.';
                END IF;
                modes[c] := 'decide';
            ELSIF kind = 'CATCH' AND i = 1 AND entry ->> 0 = 'failed' AND (entry ->> 1)::boolean AND NOT holds[c]
                AND present[(p_nodes -> children[2] ->> 'i')::integer] THEN
                modes[c] := 'keep';
            ELSE
                modes[c] := 'decide';
                going := NOT holds[c] AND coalesce(entry ->> 0 = 'completed' AND (entry ->> 1)::boolean, false);
                blocking := CASE WHEN NOT going THEN children[i] END;
            END IF;
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT o.id, modes[(p_nodes -> o.id ->> 'i')::integer] FROM unnest(order_of) AS o(id);
END
$$;
COMMENT ON FUNCTION df._rewind(text, jsonb, jsonb, text) IS
    'Internal: the nodes of an instance that stay as they are when it goes on, from its failure or from a node.';

-- The latest entry of each node, as df.nodes finds it, and whether no later generation of any of its scopes is known.
CREATE OR REPLACE FUNCTION df._entries(p_instance text)
RETURNS TABLE (node_id text, entry jsonb, version integer, is_present boolean)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH latest AS MATERIALIZED (
        SELECT DISTINCT ON (e.key) e.key AS id, e.value, c.version, string_to_array(e.value ->> 'execution_id', '::') AS tokens
        FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS e
        WHERE c.instance_id = p_instance
        ORDER BY e.key, c.version DESC
    ), levels AS MATERIALIZED (
        SELECT l.id, l.tokens[:2 * g.level - 1] AS scope, l.tokens[2 * g.level]::numeric AS generation
        FROM latest l CROSS JOIN LATERAL generate_series(1, cardinality(l.tokens) / 2) AS g(level)
    ), scopes AS (
        SELECT v.scope, max(v.generation) AS generation FROM levels v GROUP BY 1
    ), late AS (
        SELECT DISTINCT v.id FROM levels v JOIN scopes s ON s.scope = v.scope WHERE v.generation < s.generation
    )
    SELECT l.id, l.value, l.version, NOT EXISTS (SELECT FROM late x WHERE x.id = l.id) FROM latest l;
END
$$;
COMMENT ON FUNCTION df._entries(text) IS 'Internal: the nodes of an instance as its checkpoints have them.';

-- The checkpoints that are left of those of p_instance: rows by version, the entries that stay in them with the stamps of another
-- execution. The first generation of its root is p_execution, but for a RETRY, which counts attempts by it
-- (dev.perdure.flow.rule.RetryRule). A loop that goes on does so in its round; attempts begin anew. Of an item of the map p_map, p_instance
-- is its key.
CREATE OR REPLACE FUNCTION df._rewound(
    p_instance text, p_root text, p_graph text, p_from text, p_new_instance text, p_execution bigint, p_ids jsonb, p_replaced text[],
    p_map text)
RETURNS TABLE (version integer, state jsonb)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_nodes jsonb;
    v_entries jsonb := (SELECT coalesce(jsonb_object_agg(e.node_id, jsonb_build_array(e.entry -> 'status', e.is_present)), '{}')
                        FROM df._entries(p_instance) AS e)
        -- Sagas that have undone something, and those in which an undo is known.
        || (SELECT coalesce(jsonb_object_agg(concat('undone:', u), true), '{}') FROM unnest(df._undone(p_instance)) AS u)
        || (SELECT coalesce(jsonb_object_agg(concat('with_undo:', e.entry -> 'bindings' ->> 'saga'), true), '{}')
            FROM df._entries(p_instance) AS e WHERE e.node_id LIKE 'undo:%' AND e.is_present);
    v_modes jsonb;
    v_useless text;
    -- The loop below a root that holds the deadline of the instance (dev.perdure.graph.Graph.mainId).
    v_main text;
BEGIN
    v_nodes := (SELECT coalesce(jsonb_object_agg(d.id, df._describe_node(row_number, d.node_type, d.query, d.result_name,
                    d.left_node, d.right_node, NULL) - '{q,s}'::text[]), '{}')
                FROM (SELECT x.*, row_number() OVER () FROM (
                          SELECT y.id::text, y.node_type, y.query, y.result_name, y.left_node::text, y.right_node::text
                          FROM df._definition(p_root, p_graph) AS y
                          UNION ALL
                          SELECT y.id, y.node_type, y.query, y.result_name, y.left_node, y.right_node
                          FROM df._nodes y WHERE y.instance_id = left(p_instance, 8) AND p_graph IS NULL) AS x) AS d);
    v_main := (SELECT v_nodes -> p_root ->> 'l'
               WHERE p_map IS NULL AND v_nodes -> p_root ->> 't' = 'TIMEOUT' AND v_nodes -> (v_nodes -> p_root ->> 'l') ->> 't' = 'LOOP'
                 AND df._json_object(p_graph::jsonb ->> 'query') ? 'deadline');
    v_modes := (SELECT jsonb_object_agg(r.node_id, r.mode) FROM df._rewind(coalesce(v_nodes -> p_map ->> 'l', p_root), v_nodes, v_entries, p_from) AS r);
    v_useless := (SELECT r FROM unnest(p_replaced) AS r WHERE v_modes ->> r = 'keep' LIMIT 1);
    IF v_useless IS NOT NULL THEN
        RAISE EXCEPTION 'node % has completed and does not run again: a replacement would have no effect', df._node_name(v_nodes, v_useless)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('It runs again, with all that comes after it, with from_node => %L.', v_useless);
    END IF;
    RETURN QUERY
    WITH kept AS MATERIALIZED (
        SELECT e.version, coalesce(p_ids ->> e.node_id, e.node_id) AS id, (e.entry ->> 'result')::integer AS result,
               CASE WHEN v_modes ->> e.node_id = 'keep' OR e.node_id LIKE 'undo:%' AND e.entry ->> 'status' <> 'failed' THEN e.entry
                    ELSE (e.entry - '{error,code,detail,canceled,wake_at,result,executed_query}'::text[]) || '{"status": "running"}' END
               || jsonb_build_object('execution_id', s.stamp)
               -- What was given up is tried again.
               || CASE WHEN e.node_id LIKE 'undo:%' AND e.entry ->> 'status' = 'failed'
                       THEN jsonb_build_object('bindings', (e.entry -> 'bindings') - 'undoing' || '{"again": true}') ELSE '{}' END
               || CASE WHEN v_modes ->> e.node_id = 'open' AND v_nodes -> e.node_id ->> 't' = 'CALL' THEN jsonb_build_object('bindings',
                           jsonb_build_object('child', df._completed_child(p_instance, e.node_id, e.entry ->> 'execution_id'))) ELSE '{}' END AS entry
        FROM df._entries(p_instance) AS e
        CROSS JOIN LATERAL (
            SELECT string_agg(CASE
                       WHEN t.place = 1 THEN p_new_instance
                       -- Under a deadline of the instance the rounds of a loop are its executions, one scope deeper.
                       WHEN t.place = 2 AND v_main IS NOT NULL THEN '1'
                       WHEN t.scope = v_main THEN p_execution::text
                       WHEN t.place = 2 THEN (CASE WHEN p_map IS NULL AND v_nodes -> p_root ->> 't' = 'RETRY' THEN 1 + ((p_execution - 1) << 32)
                                                   ELSE p_execution END)::text
                       WHEN t.place % 2 = 1 THEN coalesce(p_ids ->> t.token, t.token)
                       WHEN v_modes ->> t.scope = 'open' AND v_nodes -> t.scope ->> 't' = 'RETRY' THEN '1'
                       ELSE t.token END, '::' ORDER BY t.place) AS stamp
            FROM (SELECT u.token, u.place, lag(u.token) OVER (ORDER BY u.place) AS scope
                  FROM unnest(string_to_array(e.entry ->> 'execution_id', '::')) WITH ORDINALITY AS u(token, place)) AS t) AS s
        WHERE e.is_present AND (p_ids IS NULL OR p_ids ? e.node_id)
          AND (v_modes ->> e.node_id = 'keep'
               -- Of a step that runs again nothing is to be undone, but what could not be.
               OR e.node_id LIKE 'undo:%' AND (e.entry ->> 'status' = 'failed' OR v_modes ->> (e.entry -> 'bindings' ->> 'node') = 'keep') OR v_modes ->> e.node_id = 'open' AND v_nodes -> e.node_id ->> 't' = ANY (CASE WHEN p_ids IS NULL THEN '{LOOP,MAP}' ELSE '{LOOP}' END::text[])
               OR p_ids IS NULL AND v_modes ->> e.node_id = 'open' AND v_nodes -> e.node_id ->> 't' = 'CALL'
                  AND df._completed_child(p_instance, e.node_id, e.entry ->> 'execution_id') IS NOT NULL)
          -- The items of a map are rows of the instance that it belongs to: another one reads them anew.
          AND (p_ids IS NULL OR NOT EXISTS (SELECT FROM jsonb_each(v_nodes) AS m WHERE m.value ->> 't' = 'MAP'
               AND m.value ->> 'r' = e.node_id AND v_modes ->> m.key = 'open'))
    ), grouped AS (
        SELECT k.version, jsonb_object_agg(k.id, k.entry) AS nodes, array_agg(k.result) AS used FROM kept k GROUP BY 1
    )
    SELECT g.version, jsonb_build_object('nodes', g.nodes) || coalesce((
        -- What nobody refers to any more is not kept.
        SELECT jsonb_build_object(
            'results', jsonb_agg(CASE WHEN r.place - 1 = ANY (g.used) THEN r.value ELSE 'null' END ORDER BY r.place),
            'columns', jsonb_agg(CASE WHEN r.place - 1 = ANY (g.used) THEN c.state -> 'columns' -> (r.place - 1)::integer ELSE 'null' END
                                 ORDER BY r.place))
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(c.state -> 'results') = 'array' THEN c.state -> 'results' END) WITH ORDINALITY AS r(value, place)
        HAVING count(*) > 0), '{}')
    FROM grouped g JOIN df._checkpoints c ON c.instance_id = p_instance AND c.version = g.version;
END
$$;
COMMENT ON FUNCTION df._rewound(text, text, text, text, text, bigint, jsonb, text[], text) IS
    'Internal: the remaining checkpoints of an instance that goes on, under the stamps of another execution.';

CREATE OR REPLACE FUNCTION df._changed_vars(function_name text, captured jsonb, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong text;
    changed jsonb;
BEGIN
    IF given IS NULL OR given = 'null' THEN
        RETURN captured;
    ELSIF jsonb_typeof(given) <> 'object' THEN
        RAISE EXCEPTION 'vars of %() must be a JSON object', function_name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO wrong FROM jsonb_each(given) WHERE jsonb_typeof(value) IN ('object', 'array') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'variable "%" in vars of %() must be a string, a number or a boolean', wrong, function_name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    changed := nullif(jsonb_strip_nulls(coalesce(captured, '{}') || (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each_text(given))), '{}');
    PERFORM df._check_size('instances', 'instances_vars_size_chk', 'vars', octet_length(changed::text), 1048576);
    RETURN changed;
END
$$;
COMMENT ON FUNCTION df._changed_vars(text, jsonb, jsonb) IS
    'Internal: the variables of an instance after some were given anew; NULL takes one away.';

---------------------------------------------------------------------------------------------------------------------
-- The same instance
---------------------------------------------------------------------------------------------------------------------

-- Definer: submitters may change nothing of an instance that has ended. What was inserted has passed the policy: it is the caller's.
--
-- The version comes first, as in a checkpoint; from then on nobody can write more of it. Of two redrives the second waits for it. A cancelled instance may not have been wound
-- up: then it is the version that keeps out what is left of it, and the worker, which is told that it is new, reads it again. The row
-- that takes the version says nothing, and so it stays for as long as the instance.
CREATE OR REPLACE FUNCTION df._redrive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    ended record;
    taken integer;
    others boolean := false;
    events bigint;
BEGIN
    DELETE FROM df._redrives r WHERE r.instance_id = new.instance_id;
    LOOP
        SELECT i.*, coalesce((SELECT max(c.version) FROM df._checkpoints c WHERE c.instance_id = i.id), 0) AS latest INTO ended
        FROM df.instances i WHERE i.id = new.instance_id;
        IF ended.id IS NULL THEN
            RAISE EXCEPTION 'Instance not found or access denied: %', new.instance_id USING ERRCODE = 'internal_error';
        ELSIF ended.status NOT IN ('failed', 'cancelled') THEN
            RAISE EXCEPTION 'Instance % is %: df.redrive() lets an instance go on that has failed or was cancelled', ended.id, ended.status
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = CASE WHEN others THEN 'Another session has continued it at the same time.' ELSE '' END,
                      HINT = CASE WHEN ended.status = 'completed' THEN 'df.fork() begins a new instance with what has completed in this one.'
                                  ELSE '' END;
        END IF;
        INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES (ended.id, ended.latest + 1, 2, '{}')
        ON CONFLICT DO NOTHING RETURNING version INTO taken;
        EXIT WHEN taken IS NOT NULL;
        others := true;
    END LOOP;

    -- What a saga has registered is undone first: it would be done again, and undone once.
    IF ended.status = 'cancelled' AND ended.output IS NULL AND EXISTS (
        SELECT FROM df._entries(ended.id) AS e WHERE starts_with(e.node_id, 'undo:') AND e.entry ->> 'status' = 'running') THEN
        RAISE EXCEPTION 'Instance % was cancelled, and what it has done is being undone', ended.id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Try again when its output in df.instances is there.';
    END IF;

    events := (SELECT count(*) FROM df._entries(ended.id) AS e WHERE df._is_of_execution(e.entry, ended.execution_count));
    WITH kept AS MATERIALIZED (
        SELECT r.version, r.state FROM df._rewound(ended.id, ended.root_node, ended.graph, new.from_node, ended.id,
            ended.execution_count + 1, NULL, NULL, NULL) AS r
    ), gone AS (
        -- A version that was only claimed stands for a transaction that may still come.
        DELETE FROM df._checkpoints c
        WHERE c.instance_id = ended.id AND c.version <= ended.latest AND c.state <> '{}' AND c.version NOT IN (SELECT k.version FROM kept k)
    )
    UPDATE df._checkpoints c SET state = k.state, bytes = octet_length(k.state::text)
    FROM kept k WHERE c.instance_id = ended.id AND c.version = k.version;
    PERFORM df._reopen_maps(ended.id);
    PERFORM df._tell_again(ended.id, (
        SELECT jsonb_object_agg(e.node_id, e.entry) FROM df._entries(ended.id) AS e
        WHERE e.entry ->> 'status' = 'running' AND e.entry -> 'bindings' ? 'child'));
    DELETE FROM df._running r WHERE r.instance_id = ended.id;
    DELETE FROM df._cancels x WHERE x.instance_id = ended.id;
    -- What runs again asks for its slot again.
    DELETE FROM df._starts s WHERE s.instance_id = ended.id AND s.section <> '';
    DELETE FROM df.signals g WHERE g.instance_id = ended.id AND starts_with(g.name, 'df.with_queue ');
    DELETE FROM df._tries t WHERE t.instance_id = ended.id;

    INSERT INTO df.executions (instance_id, execution_id, started_at, ended_at, event_count, output, status)
    SELECT ended.id, ended.execution_count,
           greatest((SELECT max(e.ended_at) FROM df.executions e WHERE e.instance_id = ended.id),
               coalesce(ended.started_at, ended.created_at)),
           coalesce(ended.completed_at, ended.updated_at, clock_timestamp()), events,
           df._output(ended.status, ended.output, ended.cancel_reason), ended.status;
    UPDATE df.instances i SET status = 'pending', output = NULL, completed_at = NULL, cancel_reason = NULL,
        started_at = clock_timestamp(), updated_at = clock_timestamp(), execution_count = i.execution_count + 1,
        vars = df._changed_vars('df.redrive', i.vars, new.vars)
    WHERE i.id = ended.id AND i.status IN ('failed', 'cancelled') RETURNING i.vars INTO ended.vars;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', new.instance_id
            USING ERRCODE = 'internal_error', DETAIL = 'It has been deleted.';
    END IF;
    INSERT INTO df._inbox (instance_id, role, bytes)
    VALUES (ended.id, ended.submitted_by, octet_length(ended.graph) + coalesce(octet_length(ended.vars::text), 0))
    ON CONFLICT (instance_id) DO UPDATE SET xid = pg_current_xact_id(), wake_at = NULL, bytes = excluded.bytes;
    PERFORM df._queue_again(ended.id);
    PERFORM df._wake_worker();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._redrive() IS 'Internal: lets an instance go on that has ended.';
CREATE OR REPLACE TRIGGER redrives_go_on AFTER INSERT ON df._redrives FOR EACH ROW EXECUTE FUNCTION df._redrive();

CREATE OR REPLACE FUNCTION df.redrive(instance_id text, from_node text DEFAULT NULL, vars jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    submitter regrole;
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL);
    submitter := (SELECT i.submitted_by FROM df.instances i WHERE i.id = redrive.instance_id);
    IF submitter IS NULL THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
    END IF;
    -- As df.start asks it: what cannot run need not be tried.
    IF submitter::oid = quote_ident(current_user)::regrole::oid THEN
        PERFORM df._submitter(false);
    END IF;
    INSERT INTO df._redrives (instance_id, submitted_by, from_node, vars)
    VALUES (redrive.instance_id, submitter, redrive.from_node, redrive.vars);
    RETURN instance_id;
END
$$;
COMMENT ON FUNCTION df.redrive(text, text, jsonb) IS
    'Continues an instance that has failed or was cancelled, when this transaction commits. Completed nodes keep their results; the rest runs again, or everything from from_node on. vars replaces variables. Returns the id.';

---------------------------------------------------------------------------------------------------------------------
-- A new instance
---------------------------------------------------------------------------------------------------------------------

-- The same nodes in the same order as df._definition, with the place of each.
CREATE OR REPLACE FUNCTION df._places(root_node text, graph text)
RETURNS TABLE (id text, place integer[], path text[], node jsonb)
LANGUAGE sql IMMUTABLE STRICT ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
WITH RECURSIVE walk(place, path, node) AS (
    SELECT '{}'::integer[], '{}'::text[], graph::jsonb
    UNION ALL
    SELECT w.place || c.step, w.path || c.names, c.node
    FROM walk w CROSS JOIN LATERAL (
        SELECT 1, ARRAY['left_node'], w.node -> 'left_node'
        UNION ALL SELECT 2, ARRAY['right_node'], w.node -> 'right_node'
        UNION ALL SELECT 3, ARRAY['condition_node'], w.node -> 'condition_node'
        UNION ALL
        SELECT 3 + x.position::integer, ARRAY['extra_nodes', (x.position - 1)::text], x.value
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(w.node -> 'extra_nodes') = 'array' THEN w.node -> 'extra_nodes' END)
            WITH ORDINALITY AS x(value, position)) AS c(step, names, node)
    WHERE jsonb_typeof(c.node) = 'object'
)
SELECT lpad(to_hex((('x' || root_node)::bit(32)::bigint + (row_number() OVER (ORDER BY w.place) - 1) * 2654435761) & 4294967295), 8, '0'),
       w.place, w.path, w.node
FROM walk w
$$;
COMMENT ON FUNCTION df._places(text, text) IS 'Internal: the nodes of a graph, and where each stands.';

-- The name of a result stays, unless the new text has one.
CREATE OR REPLACE FUNCTION df._replaced(root_node text, graph text, replace jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    document jsonb := graph::jsonb;
    change record;
    other text;
    node jsonb;
BEGIN
    IF jsonb_typeof(replace) <> 'object' THEN
        RAISE EXCEPTION 'replace of df.fork() must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example {"<node id>": "<node text>"}.';
    END IF;
    FOR change IN SELECT r.key, r.value, jsonb_typeof(r.value) AS kind, p.place, p.path, p.node
                  FROM jsonb_each(replace) AS r LEFT JOIN df._places(root_node, graph) AS p ON p.id = r.key ORDER BY r.key LOOP
        IF change.place IS NULL THEN
            RAISE EXCEPTION 'replace of df.fork(): there is no node %', quote_literal(change.key)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT id, node_type, query FROM df.nodes lists the nodes of an instance.';
        ELSIF change.kind NOT IN ('string', 'object') THEN
            RAISE EXCEPTION 'replace of df.fork(): what replaces node % must be the text of a node', change.key
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT p.id INTO other FROM df._places(root_node, graph) AS p
        WHERE replace ? p.id AND p.id <> change.key AND p.place = change.place[:cardinality(p.place)]
            AND cardinality(p.place) < cardinality(change.place);
        IF other IS NOT NULL THEN
            RAISE EXCEPTION 'replace of df.fork(): node % is a part of node %, which is replaced, too', change.key, other
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        BEGIN
            node := df._parse_root(change.value #>> '{}')::jsonb;
        EXCEPTION WHEN OTHERS THEN
            RAISE EXCEPTION 'replace of df.fork(), node %: %', change.key, sqlerrm USING ERRCODE = SQLSTATE;
        END;
        IF change.node ? 'result_name' AND NOT node ? 'result_name' THEN
            node := node || jsonb_build_object('result_name', change.node -> 'result_name');
        END IF;
        document := CASE WHEN cardinality(change.path) = 0 THEN node ELSE jsonb_set(document, change.path, node) END;
    END LOOP;
    RETURN document::text;
END
$$;
COMMENT ON FUNCTION df._replaced(text, text, jsonb) IS 'Internal: a graph, some of whose nodes are replaced.';

-- Definer: submitters may write no checkpoints. What was inserted has passed the policy: both instances are the caller's.
CREATE OR REPLACE FUNCTION df._fork() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    source df.instances;
    ids jsonb;
BEGIN
    DELETE FROM df._forks f WHERE f.id = new.id;
    SELECT i.* INTO source FROM df.instances i WHERE i.id = new.forked_from;
    -- Nodes that stand where they stood, outside of what is replaced.
    ids := (SELECT jsonb_object_agg(o.id, n.id)
            FROM df._places(source.root_node, source.graph) AS o JOIN df._places(new.root_node, new.graph) AS n ON n.place = o.place
            WHERE NOT EXISTS (SELECT FROM df._places(source.root_node, source.graph) AS r
                              WHERE r.id = ANY (new.replaced) AND r.place = o.place[:cardinality(r.place)]));
    INSERT INTO df.instances (id, label, root_node, submitted_by, database, vars, idempotency_key, graph, forked_from)
    VALUES (new.id, source.label, new.root_node, new.submitted_by, source.database, new.vars, new.idempotency_key, new.graph, source.id);
    INSERT INTO df._checkpoints (instance_id, version, bytes, state)
    SELECT new.id, row_number() OVER (ORDER BY r.version), octet_length(r.state::text), r.state
    FROM df._rewound(source.id, source.root_node, source.graph, new.from_node, new.id, 1, coalesce(ids, '{}'), new.replaced, NULL) AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._fork() IS 'Internal: makes an instance with the completed nodes of another one.';
CREATE OR REPLACE TRIGGER forks_begin AFTER INSERT ON df._forks FOR EACH ROW EXECUTE FUNCTION df._fork();

CREATE OR REPLACE FUNCTION df.fork(
    instance_id text, from_node text DEFAULT NULL, replace jsonb DEFAULT NULL, vars jsonb DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    source record;
    submitter oid;
    once text;
    existing text;
    root text;
    captured jsonb;
    drawn uuid;
    until timestamptz := clock_timestamp() + interval '10 seconds';
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL);
    PERFORM df._check_start_options(options);
    IF options ?| df._hold_options() THEN
        RAISE EXCEPTION 'options of df.fork() cannot say when the instance begins: % are options of df.start()', array_to_string(df._hold_options(), ', ')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A fork begins at once, in no queue.';
    END IF;
    once := options ->> 'idempotency_key';
    LOOP
        SELECT i.id, i.status, i.output, i.graph, i.root_node, i.vars INTO source FROM df.instances i WHERE i.id = instance_id;
        IF source.id IS NULL THEN
            RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
        END IF;
        -- What was under way when it was cancelled is known as soon as the worker has wound it up.
        EXIT WHEN source.status <> 'cancelled' OR source.output IS NOT NULL;
        IF clock_timestamp() > until OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'Instance % was cancelled, and the worker is still ending it', instance_id
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Try again in a moment.';
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    submitter := df._submitter(false);
    IF once IS NOT NULL THEN
        existing := df._started_before(submitter, once);
        IF existing IS NOT NULL THEN
            PERFORM df._notice_if_ended(existing, once);
            RETURN existing;
        END IF;
    END IF;
    IF source.status IN ('pending', 'running') THEN
        RAISE EXCEPTION 'Instance % is %: df.fork() copies what has completed in an instance that has ended', instance_id, source.status
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF source.status = 'completed' AND from_node IS NULL THEN
        RAISE EXCEPTION 'Instance % is completed: there is no node that has failed', instance_id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Say with from_node where the new instance begins.';
    ELSIF source.graph IS NULL THEN
        RAISE EXCEPTION 'Instance % was written node by node: only what df.start() has started can be copied', instance_id
            USING ERRCODE = 'feature_not_supported';
    END IF;
    root := source.graph;
    IF replace IS NOT NULL AND replace <> 'null' THEN
        root := df._parse_root(df._replaced(source.root_node, source.graph, replace));
        PERFORM df._check_graph(root);
    END IF;
    IF options ?| '{timeout,deadline}' THEN
        IF source.graph::jsonb ->> 'node_type' <> 'TIMEOUT' OR NOT df._json_object(source.graph::jsonb ->> 'query') ? 'deadline' THEN
            RAISE EXCEPTION 'options timeout and deadline of df.fork(): instance % has no deadline that they could replace', instance_id
                USING ERRCODE = 'feature_not_supported', HINT = 'Replace a node: df.timeout(...) around it.';
        END IF;
        root := df._parse_root((root::jsonb || jsonb_build_object('query', df._with_deadline(df.sql('SELECT 1'), options)::jsonb -> 'query'))::text);
    END IF;
    captured := df._changed_vars('df.fork', df._changed_vars('df.fork', source.vars, options -> 'vars'), vars);

    FOR tries IN 1 .. 10 LOOP
        drawn := gen_random_uuid();
        BEGIN
            INSERT INTO df._forks (id, root_node, submitted_by, forked_from, from_node, replaced, graph, vars, idempotency_key)
            VALUES (left(drawn::text, 8), right(drawn::text, 8), submitter, instance_id, from_node,
                    ARRAY(SELECT jsonb_object_keys(CASE WHEN jsonb_typeof(replace) = 'object' THEN replace ELSE '{}' END)),
                    root, captured, once);
            IF options ? 'attributes' THEN
                PERFORM df._put_attributes(left(drawn::text, 8), options -> 'attributes');
            END IF;
            RETURN left(drawn::text, 8);
        EXCEPTION WHEN unique_violation THEN
            -- The id, by chance, or the key, by somebody who has just committed.
            existing := df._started_before(submitter, once);
            IF existing IS NOT NULL THEN
                RETURN existing;
            END IF;
        END;
    END LOOP;
    RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
        USING ERRCODE = 'internal_error';
END
$$;
COMMENT ON FUNCTION df.fork(text, text, jsonb, jsonb, jsonb) IS
    'Starts a new instance of the current role with a copy of the completed nodes of an ended one, up to from_node or to the failure. replace: {"<node id>": "<node text>"}; vars replaces variables; options are those of df.start. Returns the id.';

---------------------------------------------------------------------------------------------------------------------
-- Options of requests
---------------------------------------------------------------------------------------------------------------------

-- dev.perdure.flow.template.HttpOptionsReader has the same rules.
CREATE OR REPLACE FUNCTION df._check_http_options(options jsonb, node_type text, method text, body text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong text;
BEGIN
    IF coalesce(jsonb_typeof(options), 'null') <> 'object' THEN
        RAISE EXCEPTION 'options of df.with_http_options must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO wrong FROM jsonb_object_keys(options) AS key
    WHERE key NOT IN ('max_request_bytes', 'max_response_bytes', 'response', 'response_headers', 'form_fields') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option "%" for df.with_http_options', wrong USING ERRCODE = 'invalid_parameter_value',
            HINT = 'There are max_request_bytes, max_response_bytes, response, response_headers and form_fields.';
    END IF;
    SELECT name INTO wrong FROM unnest('{max_request_bytes,max_response_bytes}'::text[]) AS name
    WHERE options ? name AND (jsonb_typeof(options -> name) = 'number' AND options ->> name ~ '^[0-9]{1,10}$'
                              AND (options ->> name)::bigint BETWEEN 1 AND 2147483647) IS NOT TRUE LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'option % of df.with_http_options must be a whole number from 1 to 2147483647', wrong
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'response' AND options -> 'response' NOT IN ('"inline"', '"metadata"', '"discard"') THEN
        RAISE EXCEPTION 'option response of df.with_http_options must be inline, metadata or discard'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'response_headers' AND NOT (options -> 'response_headers' IN ('"all"', '"safe"')
            OR jsonb_typeof(options -> 'response_headers') = 'array'
               AND NOT EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(options -> 'response_headers') = 'array'
                                                                THEN options -> 'response_headers' END) AS h
                               WHERE jsonb_typeof(h) <> 'string')) THEN
        RAISE EXCEPTION 'option response_headers of df.with_http_options must be all, safe or an array of names'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'form_fields' THEN
        IF jsonb_typeof(options -> 'form_fields') <> 'object' OR EXISTS (
            SELECT FROM jsonb_each(CASE WHEN jsonb_typeof(options -> 'form_fields') = 'object' THEN options -> 'form_fields' END) AS f
            WHERE jsonb_typeof(f.value) NOT IN ('string', 'number', 'boolean')) THEN
            RAISE EXCEPTION 'option form_fields of df.with_http_options must be an object of strings, numbers and booleans'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"grant_type": "client_credentials"}.';
        ELSIF node_type = 'HTTP' AND body IS NOT NULL THEN
            RAISE EXCEPTION 'option form_fields of df.with_http_options: the request has a body already'
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF node_type = 'HTTP' AND upper(method) IN ('GET', 'DELETE') THEN
            RAISE EXCEPTION 'option form_fields of df.with_http_options: a % request has no form', upper(method)
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_http_options(jsonb, text, text, text) IS 'Internal: checks options of a request.';

-- What a request says itself stays.
CREATE OR REPLACE FUNCTION df.with_http_options(fut text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    node text;
    document jsonb;
    request record;
    config jsonb;
    most boolean := false;
BEGIN
    PERFORM df._require(0, 'fut', fut IS NOT NULL), df._require(1, 'options', options IS NOT NULL);
    node := df._as_node(fut);
    document := node::jsonb;
    FOR request IN SELECT p.path, p.node ->> 'node_type' AS kind, p.node ->> 'query' AS query FROM df._places('00000000', node) AS p
                   WHERE p.node ->> 'node_type' IN ('HTTP', 'HTTP_MULTIPART') LOOP
        config := df._json_object(request.query);
        PERFORM df._check_http_options(options, request.kind, config ->> 'method', config ->> 'body');
        config := config || jsonb_build_object('options', options || coalesce(config -> 'options', '{}'));
        document := jsonb_set(document, request.path || 'query'::text, to_jsonb(df._compact(config)));
        most := true;
    END LOOP;
    IF NOT most THEN
        PERFORM df._check_http_options(options, 'HTTP', 'POST', NULL);
        RAISE EXCEPTION 'df.with_http_options: there is no HTTP step in it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'df.with_http_options(df.http(...), ...)';
    END IF;
    RETURN df._as_node(document::text);
END
$$;
COMMENT ON FUNCTION df.with_http_options(text, jsonb) IS
    'Adds options to the HTTP steps in a node: max_request_bytes, max_response_bytes, response (inline, metadata, discard), response_headers (all, safe, or names), form_fields.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_entries', '_rewound', '_redrive', '_fork')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
