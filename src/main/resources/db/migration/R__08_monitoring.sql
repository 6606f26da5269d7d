-- Monitoring (specification 2.7 and 5).

CREATE OR REPLACE FUNCTION df._output(status text, output text, cancel_reason text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE
    WHEN status = 'cancelled' THEN coalesce(output, 'canceled: ' || coalesce(cancel_reason, 'Cancelled by user'))
    WHEN status IN ('completed', 'failed') THEN output END
$$;
COMMENT ON FUNCTION df._output(text, text, text) IS 'Internal: the output of an instance, NULL while it has not ended.';

CREATE OR REPLACE FUNCTION df._listed_output(status text, output text, cancel_reason text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN status = 'failed' THEN df._cut(output, 10000) ELSE df._output(status, output, cancel_reason) END
$$;
COMMENT ON FUNCTION df._listed_output(text, text, text) IS
    'Internal: the output of an instance in lists, where the text of a failure is cut; df.instance_info has it whole.';

CREATE OR REPLACE FUNCTION df._how_far(completed bigint, failed bigint, total bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT concat(to_char(completed + failed, 'FM999,999,999,990'), ' of ', to_char(total, 'FM999,999,999,990'),
    ', ' || to_char(nullif(failed, 0), 'FM999,999,999,990') || ' failed')
$$;
COMMENT ON FUNCTION df._how_far(bigint, bigint, bigint) IS 'Internal: the progress of a map.';

CREATE OR REPLACE FUNCTION df._nodes_document(instance_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(n.id,
                df._describe_node(n.node_position, n.node_type, n.query, n.result_name, n.left_node, n.right_node, n.status)
                || jsonb_build_object('a', n.attempt, 'p', n.params)
                || CASE WHEN n.node_type = 'MAP' THEN coalesce((
                    SELECT jsonb_build_object('at_once', p.max_concurrent, 'm', df._how_far(p.completed, p.failed, p.total))
                    FROM df._map_progress p WHERE p.instance_id = _nodes_document.instance_id AND p.node_id = n.id
                    ORDER BY p.generation DESC LIMIT 1), '{}') ELSE '{}' END)
            FROM (SELECT x.*, row_number() OVER () AS node_position
                  FROM df.nodes x WHERE x.instance_id = _nodes_document.instance_id) AS n);
END
$$;
COMMENT ON FUNCTION df._nodes_document(text) IS 'Internal: the visible nodes of an instance in one document.';

-- Stamps: scope::generation, a scope being the instance id or parent scope::generation::node. A stamp is superseded
-- when at any of its levels the highest generation seen in that scope is a later one.
CREATE OR REPLACE FUNCTION df._stamps(instance_id text)
RETURNS TABLE (node_id text, generation numeric, superseded boolean)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH written AS (
        SELECT n.id, string_to_array(n.status_details ->> 'execution_id', '::') AS tokens
        FROM df.nodes n
        WHERE n.instance_id = _stamps.instance_id AND jsonb_typeof(n.status_details -> 'execution_id') = 'string'
    ), valid AS (
        SELECT w.id, w.tokens FROM written w
        WHERE cardinality(w.tokens) >= 2 AND cardinality(w.tokens) % 2 = 0
            AND NOT EXISTS (SELECT FROM unnest(w.tokens) WITH ORDINALITY AS t(token, position)
                            WHERE CASE WHEN t.position % 2 = 0 THEN t.token !~ '^[0-9]{1,18}$' ELSE t.token = '' END)
    ), stamps AS (
        SELECT DISTINCT v.tokens FROM valid v
    ), scopes AS (
        SELECT s.tokens[:cardinality(s.tokens) - 1] AS scope, max(s.tokens[cardinality(s.tokens)]::numeric) AS latest
        FROM stamps s GROUP BY 1
    ), judged AS (
        SELECT s.tokens, coalesce(bool_or(s.tokens[2 * level]::numeric < c.latest), false) AS superseded
        FROM stamps s
        CROSS JOIN LATERAL generate_series(1, cardinality(s.tokens) / 2) AS level
        LEFT JOIN scopes c ON c.scope = s.tokens[:2 * level - 1]
        GROUP BY s.tokens
    )
    SELECT v.id::text, v.tokens[cardinality(v.tokens)]::numeric, j.superseded
    FROM valid v JOIN judged j ON j.tokens = v.tokens;
END
$$;
COMMENT ON FUNCTION df._stamps(text) IS 'Internal: of each validly stamped node its generation, and whether it is superseded.';

-- The inferred status (specification 5.2). Rows are written by users: each node is visited once at most, however they
-- are linked.
CREATE OR REPLACE FUNCTION df._inferred(instance_id text, nodes jsonb)
RETURNS TABLE (node_id text, status text, from_id text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    stamps jsonb := (SELECT coalesce(jsonb_object_agg(s.node_id, jsonb_build_array(s.generation, s.superseded)), '{}')
                     FROM df._stamps(instance_id) AS s);
    seen boolean[];
    position integer;
    seen_ids text[] := '{}';
    seen_status text[] := '{}';
    seen_from text[] := '{}';
    ids text[] := ARRAY[(SELECT i.root_node::text FROM df.instances i WHERE i.id = instance_id)];
    deciders text[] := ARRAY[NULL::text];
    lates text[] := ARRAY[NULL::text];
    late_generations numeric[] := ARRAY[NULL::numeric];
    top integer := 1;
    id text;
    node jsonb;
    decider text;
    late text;
    late_generation numeric;
    generation numeric;
    superseded boolean;
    stored text;
    children text[];
    i integer;
BEGIN
    WHILE top > 0 LOOP
        id := ids[top];
        decider := deciders[top];
        late := lates[top];
        late_generation := late_generations[top];
        top := top - 1;
        node := nodes -> id;
        position := (node ->> 'i')::integer;
        CONTINUE WHEN node IS NULL OR seen[position];
        seen[position] := true;
        stored := node ->> 's';
        generation := (stamps -> id ->> 0)::numeric;
        superseded := coalesce((stamps -> id ->> 1)::boolean, false);

        seen_ids := array_append(seen_ids, id);
        IF stored IN ('completed', 'failed') THEN
            IF NOT superseded THEN
                seen_status := array_append(seen_status, stored);
                seen_from := array_append(seen_from, NULL);
            ELSIF decider IS NOT NULL THEN
                seen_status := array_append(seen_status, 'skipped');
                seen_from := array_append(seen_from, decider);
            ELSE
                seen_status := array_append(seen_status, 'pending');
                seen_from := array_append(seen_from, late);
            END IF;
        ELSIF decider IS NOT NULL THEN
            seen_status := array_append(seen_status, 'skipped');
            seen_from := array_append(seen_from, decider);
        ELSE
            seen_status := array_append(seen_status, CASE WHEN stored = 'running' THEN 'running' ELSE 'pending' END);
            seen_from := array_append(seen_from, NULL);
        END IF;

        IF stored IN ('completed', 'failed') AND NOT superseded THEN
            decider := id;
        END IF;
        IF generation >= late_generation OR generation IS NOT NULL AND late_generation IS NULL THEN
            late := id;
            late_generation := generation;
        END IF;
        children := ARRAY[node ->> 'l', node ->> 'r', node ->> 'c'];
        IF jsonb_array_length(node -> 'x') > 0 THEN
            children := children || ARRAY(SELECT jsonb_array_elements_text(node -> 'x'));
        END IF;
        FOREACH id IN ARRAY children LOOP
            CONTINUE WHEN id IS NULL;
            top := top + 1;
            ids[top] := id;
            -- An undo runs when its step has ended long since.
            deciders[top] := CASE WHEN node ->> 't' = 'WITH_UNDO' AND id = node ->> 'r' AND nodes -> id ->> 's' <> 'pending' THEN NULL ELSE decider END;
            lates[top] := late;
            late_generations[top] := late_generation;
        END LOOP;
    END LOOP;

    RETURN QUERY
    SELECT * FROM unnest(seen_ids, seen_status, seen_from)
    UNION ALL
    SELECT n.key, coalesce(n.value ->> 's', 'pending'), NULL::text FROM jsonb_each(nodes) AS n
    WHERE seen[(n.value ->> 'i')::integer] IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION df._inferred(text, jsonb) IS 'Internal: the inferred status of the nodes of an instance, and from which ancestor.';

CREATE OR REPLACE FUNCTION df.instance_nodes(instance_id_param text)
RETURNS TABLE (node_id text, node_type text, query text, result_name text, left_node text, right_node text, status text,
               result text, status_details text, inferred_status text, inferred_status_from_ancestor_id text,
               updated_at timestamptz)
LANGUAGE plpgsql VOLATILE STRICT ROWS 20
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.id::text, n.node_type, n.query, n.result_name, n.left_node::text, n.right_node::text, n.status,
           n.result::text, n.status_details::text, i.status, i.from_id, n.updated_at
    FROM df.nodes n
    LEFT JOIN df._inferred(instance_id_param, df._nodes_document(instance_id_param)) AS i ON i.node_id = n.id
    WHERE n.instance_id = instance_id_param;
END
$$;
COMMENT ON FUNCTION df.instance_nodes(text) IS
    'Nodes of an instance, with the stored status and the effective one, which follows from the ancestors.';

CREATE OR REPLACE FUNCTION df.instance_nodes(instance_id_param text, _last_n_executions integer)
RETURNS TABLE (execution_id bigint, node_id text, node_type text, query text, result_name text, left_node text,
               right_node text, status text, result text, updated_at timestamptz)
LANGUAGE plpgsql VOLATILE STRICT ROWS 20
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 1::bigint, n.id::text, n.node_type, n.query, n.result_name, n.left_node::text, n.right_node::text, n.status,
           n.result::text, n.updated_at
    FROM df.nodes n WHERE n.instance_id = instance_id_param;
END
$$;
COMMENT ON FUNCTION df.instance_nodes(text, integer) IS 'Older form of df.instance_nodes; the second argument has no effect.';

-- One that does not exist finds nothing, which looks like an answer.
CREATE OR REPLACE FUNCTION df._check_status_filter(status_filter text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF status_filter NOT IN ('pending', 'running', 'completed', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'df.list_instances: there is no status "%"', status_filter
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'status_filter is pending, running, completed, failed or cancelled, or NULL for all.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_status_filter(text) IS 'Internal: checks the status that df.list_instances looks for.';

CREATE OR REPLACE FUNCTION df._check_page(limit_count integer) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    cap bigint;
BEGIN
    PERFORM df._require(1, 'limit_count', limit_count IS NOT NULL);
    IF limit_count < 1 THEN
        RAISE EXCEPTION 'limit_count must be at least 1' USING ERRCODE = 'internal_error';
    END IF;
    cap := df._setting('list_instances_max_limit', '1000')::bigint;
    IF limit_count > cap THEN
        RAISE EXCEPTION 'df.list_instances: limit_count (%) exceeds pg_durable.list_instances_max_limit (%); request fewer rows, or use the paginated df.list_instances overload (after_cursor/next_cursor) for large result sets', limit_count, cap
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'In Perdure this is a row of df.settings: name list_instances_max_limit.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_page(integer) IS 'Internal: checks the row limit of df.list_instances.';

-- The policy says the same, though the planner does not know of whom: where one role has started nearly everything, it would look
-- through all of that for what another one has started. Plans are made for the value.
CREATE OR REPLACE FUNCTION df._only_of() RETURNS regrole
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN row_security_active('df.instances') THEN quote_ident(current_user)::regrole END
$$;
COMMENT ON FUNCTION df._only_of() IS 'Internal: the role whose instances alone the caller sees; NULL when it sees all.';

CREATE OR REPLACE FUNCTION df.list_instances(status_filter text DEFAULT NULL, limit_count integer DEFAULT 100)
RETURNS TABLE (instance_id text, label text, function_name text, status text, execution_count bigint, output text)
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    only_of CONSTANT regrole := df._only_of();
BEGIN
    PERFORM df._check_page(limit_count);
    PERFORM df._check_status_filter(status_filter);
    RETURN QUERY
    SELECT i.id::text, i.label, 'pg_durable::orchestration::execute-function-graph'::text, i.status, i.execution_count,
           df._listed_output(i.status, i.output, i.cancel_reason)
    FROM df.instances i
    WHERE (status_filter IS NULL OR i.status = status_filter) AND i.parent_id IS NULL
        AND (only_of IS NULL OR i.submitted_by = only_of)
    ORDER BY i.created_at DESC
    LIMIT list_instances.limit_count;
END
$$;
COMMENT ON FUNCTION df.list_instances(text, integer) IS 'Your instances, the newest first.';

CREATE OR REPLACE FUNCTION df._read_cursor(after_cursor text, OUT created_at timestamptz, OUT id text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    part text[];
BEGIN
    IF after_cursor IS NULL THEN
        RETURN;
    END IF;
    IF length(after_cursor) BETWEEN 1 AND 512 AND length(after_cursor) % 2 = 0 AND after_cursor ~ '^[0-9a-fA-F]+$' THEN
        BEGIN
            part := regexp_match(convert_from(decode(after_cursor, 'hex'), 'UTF8'), '^v1\|([^|]+)\|(.+)$');
        EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
            part := NULL;
        END;
    END IF;
    IF part IS NULL OR part[1] !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d(:\d\d)?$' THEN
        RAISE EXCEPTION 'df.list_instances: invalid after_cursor' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    created_at := part[1];
    id := part[2];
END
$$;
COMMENT ON FUNCTION df._read_cursor(text) IS 'Internal: the place that a cursor of df.list_instances means.';

CREATE OR REPLACE FUNCTION df.list_instances(
    status_filter text, limit_count integer, label_filter text, after_cursor text DEFAULT NULL)
RETURNS TABLE (instance_id text, label text, function_name text, status text, execution_count bigint, output text,
               created_at timestamptz, completed_at timestamptz, next_cursor text)
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    place record;
    only_of CONSTANT regrole := df._only_of();
BEGIN
    PERFORM df._check_page(limit_count);
    PERFORM df._check_status_filter(status_filter);
    place := df._read_cursor(after_cursor);
    RETURN QUERY
    WITH page AS (
        -- One more than asked for tells whether there is another page.
        SELECT i.*, row_number() OVER (ORDER BY i.created_at DESC, i.id) AS position
        FROM df.instances i
        WHERE (status_filter IS NULL OR i.status = status_filter)
            AND (label_filter IS NULL OR i.label = label_filter)
            AND i.created_at IS NOT NULL AND i.parent_id IS NULL
            AND (only_of IS NULL OR i.submitted_by = only_of)
            AND (place.id IS NULL OR i.created_at < place.created_at
                 OR i.created_at = place.created_at AND i.id > place.id)
        ORDER BY i.created_at DESC, i.id
        LIMIT list_instances.limit_count::bigint + 1
    )
    SELECT p.id::text, p.label, 'pg_durable::orchestration::execute-function-graph'::text, p.status, p.execution_count,
           df._listed_output(p.status, p.output, p.cancel_reason), p.created_at, p.completed_at,
           (SELECT encode(convert_to(concat('v1|', to_char(l.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.USOF'), '|', l.id), 'UTF8'), 'hex')
            FROM page l
            WHERE l.position = list_instances.limit_count AND (SELECT count(*) FROM page) > list_instances.limit_count)
    FROM page p
    WHERE p.position <= list_instances.limit_count
    ORDER BY p.created_at DESC, p.id;
END
$$;
COMMENT ON FUNCTION df.list_instances(text, integer, text, text) IS
    'Your instances page by page, the newest first; next_cursor, when not NULL, is after_cursor of the next page.';

-- Of each map its latest execution; those that stand in an item of another one are a part of it.
CREATE OR REPLACE FUNCTION df._maps_progress(p_instance text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN (SELECT string_agg(concat(CASE WHEN m.maps > 1 THEN coalesce(n.result_name, n.id) || ': ' END,
                       df._how_far(m.completed, m.failed, m.total)), '; ' ORDER BY m.node_id)
            FROM (SELECT p.*, count(*) OVER () AS maps
                  FROM (SELECT DISTINCT ON (x.node_id) x.node_id, x.completed, x.failed, x.total
                        FROM df._map_progress x WHERE x.instance_id = p_instance AND x.subject = p_instance
                        ORDER BY x.node_id, x.generation DESC) AS p
                  WHERE p.total IS NOT NULL) AS m
            JOIN df.nodes n ON n.instance_id = p_instance AND n.id = m.node_id);
END
$$;
COMMENT ON FUNCTION df._maps_progress(text) IS
    'Internal: the progress of the maps of an instance, by numbers that the worker keeps; NULL when it has none.';

-- LANGUAGE sql, since an argument and a column have the same name, which PL/pgSQL refuses.
CREATE OR REPLACE FUNCTION df.instance_info(instance_id text)
RETURNS TABLE (instance_id text, label text, function_name text, function_version text, current_execution_id bigint,
               status text, output text)
LANGUAGE sql VOLATILE STRICT ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
SELECT i.id::text, i.label, 'pg_durable::orchestration::execute-function-graph'::text, '1.0.0'::text,
       i.execution_count, i.status,
       coalesce(df._whole_output(i.id, i.root_node, i.status, df._output(i.status, i.output, i.cancel_reason)),
                CASE WHEN i.status IN ('pending', 'running') THEN df._maps_progress(i.id) END)
FROM df.instances i WHERE i.id = $1
$$;
COMMENT ON FUNCTION df.instance_info(text) IS 'Status, result and failure of one instance: message, node, statement and the server''s details; while a df.map runs, its progress.';

-- Of an instance whose root is a LOOP, rows of earlier rounds stay until a later one reaches them. SQL that is inlined.
CREATE OR REPLACE FUNCTION df._is_of_execution(status_details jsonb, execution bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
SELECT execution OPERATOR(pg_catalog.=) 1::pg_catalog.int8
    OR pg_catalog.split_part(status_details OPERATOR(pg_catalog.->>) 'execution_id', '::', 2)
        OPERATOR(pg_catalog.=) execution::pg_catalog.text
    -- A RETRY at the root counts its attempts from there (df._rewound).
    OR nullif(pg_catalog.split_part(status_details OPERATOR(pg_catalog.->>) 'execution_id', '::', 2), '')::pg_catalog.int8
        OPERATOR(pg_catalog.>>) 32 OPERATOR(pg_catalog.=) (execution OPERATOR(pg_catalog.-) 1::pg_catalog.int8)
$$;
COMMENT ON FUNCTION df._is_of_execution(jsonb, bigint) IS
    'Internal: whether a node that has begun did so in this execution of its instance, by its stamp.';

CREATE OR REPLACE FUNCTION df.instance_executions(instance_id text, limit_count integer DEFAULT 5)
RETURNS TABLE (execution_id bigint, status text, event_count bigint, duration_ms bigint, output text)
LANGUAGE plpgsql VOLATILE STRICT ROWS 5
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
BEGIN
    IF limit_count < 1 THEN
        RAISE EXCEPTION 'limit_count must be at least 1' USING ERRCODE = 'internal_error';
    END IF;
    RETURN QUERY
    SELECT e.execution_id, e.status, e.event_count, e.duration_ms, e.output
    FROM (
        -- The current execution is the instance row itself.
        SELECT i.execution_count AS execution_id,
               CASE i.status WHEN 'completed' THEN 'Completed' WHEN 'failed' THEN 'Failed' WHEN 'cancelled' THEN 'Failed'
                             ELSE 'Running' END AS status,
               (SELECT count(*) FROM df.nodes n WHERE n.instance_id = i.id AND n.status <> 'pending'
                AND df._is_of_execution(n.status_details, i.execution_count)) AS event_count,
               CASE WHEN i.status IN ('completed', 'failed', 'cancelled') THEN
                   greatest(0, round(1000 * extract(epoch FROM coalesce(i.completed_at, i.updated_at) - greatest(
                       (SELECT max(x.ended_at) FROM df.executions x WHERE x.instance_id = i.id),
                       coalesce(i.started_at, i.created_at)))))::bigint
               ELSE 0 END AS duration_ms,
               df._output(i.status, i.output, i.cancel_reason) AS output
        FROM df.instances i WHERE i.id = $1
        UNION ALL
        SELECT x.execution_id, CASE WHEN x.status IS NULL THEN 'ContinuedAsNew' ELSE 'Failed' END, x.event_count,
               greatest(0, round(1000 * extract(epoch FROM x.ended_at - x.started_at)))::bigint, x.output
        FROM df.executions x JOIN df.instances i ON i.id = x.instance_id WHERE x.instance_id = $1
    ) AS e
    ORDER BY e.execution_id DESC
    LIMIT least($2, 10000);
END
$$;
COMMENT ON FUNCTION df.instance_executions(text, integer) IS
    'The executions of an instance, the newest first: one for each redrive, and, when the root node is a LOOP, for each round.';

-- SECURITY DEFINER: it counts the instances of all roles, which row-level security hides from each of them. PUBLIC may
-- not execute it (R__5_administration.sql). Programs ask it every few seconds: it is exact as long as counting is cheap, as df._census
-- is, and of larger tables it reads a sample.
CREATE OR REPLACE FUNCTION df.metrics()
RETURNS TABLE (total_instances bigint, running_instances bigint, completed_instances bigint, failed_instances bigint,
               total_executions bigint, total_events bigint)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    past_share CONSTANT double precision := df._share_of_pages('df.executions', 500);
    share CONSTANT double precision := df._share_of_pages('df._checkpoints', 100);
    past record;
    nodes record;
BEGIN
    SELECT c.pending + c.running + c.completed + c.failed + c.cancelled, c.pending + c.running, c.completed, c.failed + c.cancelled
    INTO total_instances, running_instances, completed_instances, failed_instances
    FROM df._census() AS c;
    -- The current execution of an instance is its own row, each earlier one a row of df.executions.
    SELECT x.rows, x.events, df._weight('df.executions', past_share, x.rows) AS weight INTO past
    FROM (SELECT count(*) AS rows, coalesce(sum(e.event_count), 0) AS events
          FROM df.executions e TABLESAMPLE SYSTEM (100 * past_share) REPEATABLE (0)) AS x;
    -- OFFSET: by the index, one by one, whatever the planner believes.
    SELECT x.events, df._weight('df._checkpoints', share, x.rows) AS weight INTO nodes
    FROM (SELECT count(DISTINCT c.ctid) AS rows, count(DISTINCT (c.instance_id, n.key)) FILTER (WHERE n.key IS NOT NULL) AS events
          FROM df._checkpoints c TABLESAMPLE SYSTEM (100 * share) REPEATABLE (0)
          LEFT JOIN LATERAL (SELECT i.execution_count FROM df.instances i WHERE i.id = c.instance_id OFFSET 0) AS x ON true
          LEFT JOIN LATERAL jsonb_each(c.state -> 'nodes') AS n ON df._is_of_execution(n.value, x.execution_count)) AS x;
    total_executions := total_instances + round(past.rows * past.weight);
    total_events := round(past.events * past.weight) + round(nodes.events * nodes.weight);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION df.metrics() IS 'Counts over the instances of all roles; of more than 20,000 an estimate, from the statistics and a sample of the rows.';

-- As df.nodes: with the rights of its owner and the condition of instances_user_isolation in it.
CREATE OR REPLACE VIEW df._instance_stamps WITH (security_barrier) AS
SELECT i.id AS instance_id, i.status,
       md5(concat_ws(' ', i.xmin, i.execution_count,
           (SELECT max(c.version) FROM df._checkpoints c WHERE c.instance_id = i.id),
           (SELECT concat(count(*), ' ', max(r.marked_at)) FROM df._running r WHERE r.instance_id = i.id),
           (SELECT concat(count(*), ' ', sum(m.completed + m.failed)) FROM df._maps m WHERE m.instance_id = i.id))) AS stamp
FROM df.instances i
WHERE i.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df._instance_stamps IS 'Whether an instance has changed: then it has another stamp. Reads a few rows, however many nodes it has.';

-- What is on record of nodes, without their definition, which costs more than all else to read of 10,000. The latest decision, and a mark
-- of what runs, as in df.nodes.
CREATE OR REPLACE VIEW df._node_states WITH (security_barrier) AS
SELECT i.id AS instance_id, s.node_id, s.execution_id, s.status, s.canceled, s.attempt, s.started_at, s.updated_at, s.error, s.code, s.marked
FROM df.instances i
CROSS JOIN LATERAL (
    (SELECT DISTINCT ON (e.key) e.key AS node_id, e.value ->> 'execution_id' AS execution_id, e.value ->> 'status' AS status, e.value ? 'canceled' AS canceled,
            (e.value ->> 'attempt')::integer AS attempt, e.value ->> 'started_at' AS started_at, c.written_at AS updated_at,
            e.value ->> 'error' AS error, e.value ->> 'code' AS code, false AS marked
     FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS e
     WHERE c.instance_id = i.id
     ORDER BY e.key, c.version DESC)
    UNION ALL
    SELECT r.node_id, r.execution_id, CASE WHEN r.waits IS NULL THEN 'running' END, false, r.attempt, to_json(r.started_at) #>> '{}', r.marked_at, NULL, NULL, true
    FROM df._running r WHERE r.instance_id = i.id
) AS s
WHERE i.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df._node_states IS 'Internal: the recorded states of the nodes of an instance, for nodes that have one.';
