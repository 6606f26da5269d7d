-- Control of instances, variables, and df.explain (specification 2.2 to 2.6).

CREATE OR REPLACE FUNCTION df._refuse_in_workflow(function_name text, advice text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('df.in_workflow', true) = 'true' THEN
        RAISE EXCEPTION '%() cannot be called inside a workflow - %', function_name, advice
            USING ERRCODE = 'internal_error';
    END IF;
END
$$;
COMMENT ON FUNCTION df._refuse_in_workflow(text, text) IS 'Internal: raises an error when a workflow step is what calls.';

---------------------------------------------------------------------------------------------------------------------
-- Instances
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.status(instance_id text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT i.status FROM df.instances i WHERE i.id = status.instance_id);
END
$$;
COMMENT ON FUNCTION df.status(text) IS
    'pending, running, completed, failed or cancelled; NULL when there is no such instance of yours.';

CREATE OR REPLACE FUNCTION df.result(instance_id text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT n.result::text
            FROM df.instances i JOIN df.nodes n ON n.instance_id = i.id AND n.id = i.root_node
            WHERE i.id = result.instance_id AND n.status = 'completed');
END
$$;
COMMENT ON FUNCTION df.result(text) IS 'JSON text of the root node''s result, NULL until it has completed.';

CREATE OR REPLACE FUNCTION df.await_instance(instance_id text, timeout_seconds integer DEFAULT 30) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    current_status text;
    deadline timestamptz := clock_timestamp() + make_interval(secs => timeout_seconds);
    began timestamptz := clock_timestamp();
BEGIN
    PERFORM df._refuse_in_workflow('df.await_instance', 'it would block a worker thread (and self-deadlock if waiting on the current instance). Use df.signal() and df.wait_for_signal() for cross-workflow coordination.');
    IF timeout_seconds <= 0 THEN
        RAISE EXCEPTION 'Timeout must be positive' USING ERRCODE = 'internal_error';
    END IF;
    -- Each statement of a volatile function has a new snapshot in READ COMMITTED, so that this sees what others commit.
    LOOP
        SELECT i.status INTO current_status FROM df.instances i WHERE i.id = await_instance.instance_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Failed to query status: InvalidPosition'
                USING ERRCODE = 'data_exception', DETAIL = format('No instance %s is visible to you.', instance_id);
        ELSIF current_status IS NULL THEN
            RAISE EXCEPTION 'Instance not found: %', instance_id USING ERRCODE = 'data_exception';
        ELSIF current_status IN ('completed', 'failed', 'cancelled') THEN
            PERFORM df._mark_helper('df.await_instance()');
            RETURN current_status;
        ELSIF clock_timestamp() >= deadline THEN
            RAISE EXCEPTION 'Timeout after %s waiting for instance % (status: %). Check if background worker is running.',
                    timeout_seconds, instance_id, current_status
                USING ERRCODE = 'data_exception';
        END IF;
        -- A seventh of what it has waited so far, 1 ms at least and 10 ms at most: short workflows are noticed at once.
        PERFORM pg_sleep(least(extract(epoch FROM deadline - clock_timestamp()),
            greatest(0.001, least(0.01, extract(epoch FROM clock_timestamp() - began) / 7))));
    END LOOP;
END
$$;
COMMENT ON FUNCTION df.await_instance(text, integer) IS
    'Waits until an instance has ended and returns its status: completed, failed or cancelled.';

CREATE OR REPLACE FUNCTION df.wait_for_completion(instance_id text, timeout_seconds integer DEFAULT 30) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE WARNING 'df.wait_for_completion() is deprecated; use df.await_instance() instead';
    RETURN df.await_instance(instance_id, timeout_seconds);
END
$$;
COMMENT ON FUNCTION df.wait_for_completion(text, integer) IS 'Deprecated name of df.await_instance.';

CREATE OR REPLACE FUNCTION df.cancel(instance_id text, reason text DEFAULT 'Cancelled by user') RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM df.instances i WHERE i.id = cancel.instance_id) THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
    END IF;
    -- Touches this row only: the worker sees it, stops what is running, and writes the nodes.
    UPDATE df.instances i SET status = 'cancelled', updated_at = now(), cancel_reason = cancel.reason
    WHERE i.id = cancel.instance_id AND i.status IN ('pending', 'running');
    IF FOUND THEN
        PERFORM df._wake_worker();
    END IF;
    RETURN format('Instance %s cancelled: %s', instance_id, reason);
END
$$;
COMMENT ON FUNCTION df.cancel(text, text) IS
    'Cancels an instance, when this transaction commits. Does nothing to one that has ended.';

CREATE OR REPLACE FUNCTION df.signal(instance_id text, signal_name text, signal_data text DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    instance_status text;
    payload jsonb;
BEGIN
    IF instance_id = '' THEN
        RAISE EXCEPTION 'Instance ID cannot be empty' USING ERRCODE = 'internal_error';
    ELSIF signal_name = '' THEN
        RAISE EXCEPTION 'Signal name cannot be empty' USING ERRCODE = 'internal_error';
    END IF;
    SELECT i.status INTO instance_status FROM df.instances i WHERE i.id = signal.instance_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
    ELSIF instance_status IN ('completed', 'failed', 'cancelled') THEN
        RETURN 'OK';
    END IF;
    BEGIN
        payload := signal_data::jsonb;
    EXCEPTION
        -- No JSON, or none that jsonb can hold: a number out of its range, too many levels.
        WHEN invalid_text_representation OR numeric_value_out_of_range OR statement_too_complex THEN
            payload := to_jsonb(signal_data);
        WHEN untranslatable_character THEN
            RAISE EXCEPTION 'Failed to send signal: %', sqlerrm USING ERRCODE = 'internal_error';
    END;
    IF octet_length(signal_name) > 1024 OR octet_length(payload::text) > 1048576 THEN
        RAISE EXCEPTION 'Failed to send signal: % has % bytes, more than %',
                CASE WHEN octet_length(signal_name) > 1024 THEN 'its name' ELSE 'its data' END,
                CASE WHEN octet_length(signal_name) > 1024 THEN octet_length(signal_name) ELSE octet_length(payload::text) END,
                CASE WHEN octet_length(signal_name) > 1024 THEN 1024 ELSE 1048576 END
            USING ERRCODE = 'internal_error', HINT = 'Put the data into a table and send the key of its row.';
    END IF;
    INSERT INTO df.signals (instance_id, name, data) VALUES (signal.instance_id, signal_name, payload);
    PERFORM df._wake_worker();
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.signal(text, text, text) IS
    'Sends a signal to an instance, when this transaction commits. It is kept until a wait of that name consumes it.';

CREATE OR REPLACE FUNCTION df.run(instance_id text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce('Triggered run for instance: ' || instance_id, 'Triggered run for all pending instances');
END
$$;
COMMENT ON FUNCTION df.run(text) IS 'Does nothing; instances run by themselves. Kept for compatibility.';

CREATE OR REPLACE FUNCTION df.version() RETURNS text
LANGUAGE sql VOLATILE STRICT
AS $$
SELECT 'perdure ${perdureVersion}'::pg_catalog.text
$$;
COMMENT ON FUNCTION df.version() IS 'The version of Perdure that installed these functions.';

CREATE OR REPLACE FUNCTION df.target_database() RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT pg_catalog.current_database()::pg_catalog.text
$$;
COMMENT ON FUNCTION df.target_database() IS 'The database that holds this schema, where steps run by default.';

---------------------------------------------------------------------------------------------------------------------
-- Variables
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._variable_owner() RETURNS regrole
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
SELECT quote_ident(current_user)::regrole
$$;
COMMENT ON FUNCTION df._variable_owner() IS 'Internal: whose variables these are, the effective role.';

CREATE OR REPLACE FUNCTION df.setvar(name text, value text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM df._refuse_in_workflow('df.setvar', 'set variables before starting the workflow');
    INSERT INTO df.vars (name, value, owner) VALUES (setvar.name, setvar.value, df._variable_owner())
    ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value;
    PERFORM df._mark_helper('df.setvar()');
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.setvar(text, text) IS
    'Sets a variable of the current role, for {name} in workflows that are started afterwards.';

CREATE OR REPLACE FUNCTION df.getvar(name text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT v.value FROM df.vars v WHERE v.owner = df._variable_owner() AND v.name = getvar.name);
END
$$;
COMMENT ON FUNCTION df.getvar(text) IS 'The value of a variable of the current role, or NULL.';

CREATE OR REPLACE FUNCTION df.unsetvar(name text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM df._refuse_in_workflow('df.unsetvar', 'manage variables before starting the workflow');
    UPDATE df.vars v SET unset = true WHERE v.owner = df._variable_owner() AND v.name = unsetvar.name;
    PERFORM df._mark_helper('df.unsetvar()');
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.unsetvar(text) IS 'Removes a variable of the current role.';

CREATE OR REPLACE FUNCTION df.clearvars() RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM df._refuse_in_workflow('df.clearvars', 'manage variables before starting the workflow');
    UPDATE df.vars v SET unset = true WHERE v.owner = df._variable_owner();
    PERFORM df._mark_helper('df.clearvars()');
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.clearvars() IS 'Removes all variables of the current role.';

---------------------------------------------------------------------------------------------------------------------
-- df.explain
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._json_object(document text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parsed jsonb;
BEGIN
    IF left(ltrim(document, E' \t\n\r'), 1) <> '{' THEN
        RETURN NULL;
    END IF;
    parsed := document::jsonb;
    RETURN CASE WHEN jsonb_typeof(parsed) = 'object' THEN parsed END;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR numeric_value_out_of_range THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._json_object(text) IS 'Internal: a text as JSON object, NULL when it is none.';

CREATE OR REPLACE FUNCTION df._cut(content text, longest integer) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE WHEN length(content) > longest THEN left(content, longest - 3) || '...' ELSE content END
$$;
COMMENT ON FUNCTION df._cut(text, integer) IS 'Internal: a text cut to a number of characters, with dots when something is missing.';

-- Nodes of a graph in one document, for everything that walks it: {id: {i: position, a: attempt if known, t: type, q: query, n: result name,
-- l: left, r: right, c: condition, x: [extras], s: stored status}}. Ids in a configuration are taken only where the type
-- has such children. Positions count from 1; walks mark in an array what they have seen, since users write these rows and
-- may link them in circles.
CREATE OR REPLACE FUNCTION df._describe_node(
    node_position bigint, node_type text, query text, result_name text, left_node text, right_node text, status text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IN ('IF', 'LOOP', 'JOIN') THEN
        config := df._json_object(query);
    END IF;
    RETURN jsonb_build_object('i', node_position, 't', node_type, 'q', query, 'n', result_name,
        'l', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF', 'LOOP', 'RETRY') THEN left_node END,
        'r', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF') THEN right_node END,
        'c', CASE WHEN node_type IN ('IF', 'LOOP') AND jsonb_typeof(config -> 'condition_node') = 'string'
                  THEN config ->> 'condition_node' END,
        'x', CASE WHEN node_type = 'JOIN' AND jsonb_typeof(config -> 'extra_nodes') = 'array'
                  THEN config -> 'extra_nodes' ELSE '[]' END,
        's', status);
END
$$;
COMMENT ON FUNCTION df._describe_node(bigint, text, text, text, text, text, text) IS
    'Internal: a node as the functions that walk graphs read it.';

CREATE OR REPLACE FUNCTION df._display(node jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind text := node ->> 't';
    query text := node ->> 'q';
    config jsonb;
    display text;
BEGIN
    IF kind IN ('WAIT_SCHEDULE', 'HTTP', 'HTTP_MULTIPART', 'SIGNAL', 'BREAK', 'RETRY') THEN
        config := df._json_object(query);
    END IF;
    display := CASE kind
        WHEN 'SQL' THEN 'SQL: ' || coalesce(df._cut(query, 50), '?')
        WHEN 'SLEEP' THEN format('SLEEP %ss', coalesce(query, '?'))
        WHEN 'WAIT_SCHEDULE' THEN format('WAIT ''%s''', coalesce(config ->> 'cron_expr', '?'))
        WHEN 'SIGNAL' THEN format('SIGNAL ''%s''', coalesce(config ->> 'signal_name', '?'))
            || coalesce(' (' || (config ->> 'timeout_seconds') || 's)', '')
        -- Stored nodes know their attempt.
        WHEN 'RETRY' THEN format('RETRY (%s%s)',
            coalesce('attempt ' || nullif(node ->> 'a', '0') || ' of ', 'up to '),
            CASE WHEN config IS NULL THEN '?' ELSE coalesce(config ->> 'max_attempts', 'any number') END)
        WHEN 'LOOP' THEN CASE WHEN node ->> 'c' IS NULL THEN 'LOOP (infinite)' ELSE 'LOOP (while)' END
        WHEN 'BREAK' THEN CASE WHEN jsonb_typeof(config -> 'break_value') = 'string'
            THEN format('BREAK ''%s''', df._cut(config ->> 'break_value', 20)) ELSE 'BREAK' END
        WHEN 'JOIN' THEN format('JOIN (%s)', 2 + jsonb_array_length(node -> 'x'))
        ELSE kind END;
    IF kind IN ('HTTP', 'HTTP_MULTIPART') THEN
        display := format('%s %s %s', kind,
            CASE WHEN config IS NULL THEN '?' ELSE coalesce(config ->> 'method', 'POST') END,
            coalesce(df._cut(config ->> 'url', 40), '?'));
    END IF;
    RETURN concat(display, CASE WHEN kind <> 'RACE' THEN ' |=> ''' || (node ->> 'n') || '''' END);
END
$$;
COMMENT ON FUNCTION df._display(jsonb) IS 'Internal: one line of df.explain.';

-- Draws a graph. The stack holds what is still to be drawn, topmost next: a finished line, or a node with its prefix.
CREATE OR REPLACE FUNCTION df._draw(nodes jsonb, root text, markers jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    seen boolean[];
    lines text[] := '{}';
    texts text[] := ARRAY[NULL::text];
    ids text[] := ARRAY[root];
    prefixes text[] := ARRAY[''];
    lasts boolean[] := ARRAY[true];
    top integer := 1;
    id text;
    prefix text;
    last boolean;
    node jsonb;
    pending text[];
    waiting integer;
    members text[];
    member text;
    below text;
    branches text[];
    new_texts text[];
    new_ids text[];
    new_lasts boolean[];
    new_prefixes text[];
    drawing text;
    widest integer;
    i integer;
    j integer;
BEGIN
    WHILE top > 0 LOOP
        IF texts[top] IS NOT NULL THEN
            lines := array_append(lines, texts[top]);
            top := top - 1;
            CONTINUE;
        END IF;
        id := ids[top];
        prefix := prefixes[top];
        last := lasts[top];
        top := top - 1;

        -- A chain of THENs is drawn as its members.
        pending := ARRAY[id];
        members := '{}';
        waiting := 1;
        WHILE waiting > 0 LOOP
            member := pending[waiting];
            waiting := waiting - 1;
            node := nodes -> member;
            CONTINUE WHEN node IS NULL OR seen[(node ->> 'i')::integer];
            seen[(node ->> 'i')::integer] := true;
            IF node ->> 't' = 'THEN' THEN
                pending[waiting + 1] := node ->> 'r';
                pending[waiting + 2] := node ->> 'l';
                waiting := waiting + 2;
            ELSE
                members := array_append(members, member);
            END IF;
        END LOOP;

        new_texts := '{}'; new_ids := '{}'; new_prefixes := '{}'; new_lasts := '{}';
        FOR i IN 1 .. cardinality(members) LOOP
            node := nodes -> members[i];
            new_texts := array_append(new_texts, concat(prefix,
                CASE WHEN i > 1 THEN '→ ' WHEN prefix = '' THEN '' WHEN last THEN '└─' ELSE '├─' END,
                df._display(node),
                CASE markers ->> members[i]
                    WHEN 'completed' THEN ' ✓' WHEN 'failed' THEN ' ✗' WHEN 'running' THEN ' ⏳'
                    WHEN 'pending' THEN ' ○' WHEN 'skipped' THEN ' ⊘' END));
            new_ids := array_append(new_ids, NULL); new_prefixes := array_append(new_prefixes, NULL);
            new_lasts := array_append(new_lasts, NULL);

            below := concat(prefix, CASE
                WHEN prefix = '' OR last OR nodes -> id ->> 't' = 'THEN' THEN '    ' ELSE '│   ' END);
            branches := CASE node ->> 't'
                WHEN 'LOOP' THEN ARRAY['↻ body:', node ->> 'l', '? while:', node ->> 'c']
                WHEN 'RETRY' THEN ARRAY['↻ body:', node ->> 'l']
                WHEN 'IF' THEN ARRAY['? condition:', node ->> 'c', '✓ then:', node ->> 'l', '✗ else:', node ->> 'r']
                WHEN 'RACE' THEN ARRAY['║ branch 1:', node ->> 'l', '║ branch 2:', node ->> 'r']
                WHEN 'JOIN' THEN ARRAY['║ branch 1:', node ->> 'l', '║ branch 2:', node ->> 'r']
                    || (SELECT coalesce(array_agg(b ORDER BY x.ordinality, part), '{}')
                        FROM jsonb_array_elements_text(node -> 'x') WITH ORDINALITY AS x,
                             LATERAL (VALUES (1, format('║ branch %s:', 2 + x.ordinality)), (2, x.value)) AS v(part, b))
                ELSE '{}' END;
            FOR j IN 1 .. cardinality(branches) / 2 LOOP
                CONTINUE WHEN branches[2 * j] IS NULL;
                new_texts := new_texts || concat(below, branches[2 * j - 1]) || NULL::text;
                new_ids := new_ids || NULL::text || branches[2 * j];
                new_prefixes := new_prefixes || NULL::text || concat(below, '  ');
                -- Branches of JOIN and RACE hang together; the parts of LOOP and IF stand alone.
                new_lasts := new_lasts || NULL::boolean
                    || (node ->> 't' IN ('LOOP', 'IF', 'RETRY') OR 2 * j = cardinality(branches));
            END LOOP;
        END LOOP;
        FOR j IN REVERSE cardinality(new_texts) .. 1 LOOP
            top := top + 1;
            texts[top] := new_texts[j];
            ids[top] := new_ids[j];
            prefixes[top] := new_prefixes[j];
            lasts[top] := new_lasts[j];
        END LOOP;
    END LOOP;

    -- White space at the very end goes, then every line is filled up to the same width.
    drawing := rtrim(array_to_string(lines, E'\n'), E' \t\n\r');
    lines := string_to_array(drawing, E'\n');
    widest := (SELECT max(length(line)) FROM unnest(lines) AS line);
    RETURN (SELECT string_agg(rpad(line, widest + 4), E'\n' ORDER BY ordinality)
            FROM unnest(lines) WITH ORDINALITY AS l(line, ordinality));
END
$$;
COMMENT ON FUNCTION df._draw(jsonb, text, jsonb) IS
    'Internal: the tree of df.explain. Markers, if any, are {id: inferred status}.';

CREATE OR REPLACE FUNCTION df._explain_graph(node text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    graph record;
BEGIN
    SELECT * INTO graph FROM df._graph(node);
    IF graph.problem IS NOT NULL THEN
        RETURN 'Invalid durable function graph: ' || graph.problem;
    END IF;
    RETURN df._draw(
        (SELECT jsonb_object_agg(n.id, df._describe_node(n.node_position, n.node_type, n.query,
                n.result_name, n.left_node, n.right_node, NULL))
         FROM unnest(graph.ids, graph.node_types, graph.queries, graph.result_names, graph.left_nodes, graph.right_nodes)
             WITH ORDINALITY AS n(id, node_type, query, result_name, left_node, right_node, node_position)),
        graph.ids[1], NULL);
END
$$;
COMMENT ON FUNCTION df._explain_graph(text) IS 'Internal: the drawing of a node text.';

CREATE OR REPLACE FUNCTION df._explain_instance(instance_id text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    instance record;
    nodes jsonb;
    output text;
BEGIN
    SELECT i.id, i.label, i.root_node, i.status, i.output, i.cancel_reason INTO instance
    FROM df.instances i WHERE i.id = _explain_instance.instance_id;
    IF NOT FOUND THEN
        RETURN format('Instance ''%s'' not found', instance_id);
    END IF;
    nodes := df._nodes_document(instance_id);
    IF nodes IS NULL THEN
        RETURN format('No nodes found for instance ''%s''', instance_id);
    END IF;
    output := df._output(instance.status, instance.output, instance.cancel_reason);
    RETURN concat(
        'Instance: ', instance.id, ' (' || instance.label || ')', E'\n',
        'Status:   ', CASE instance.status WHEN 'completed' THEN '✓ Completed' WHEN 'failed' THEN '✗ Failed'
            WHEN 'cancelled' THEN '✗ Cancelled' WHEN 'running' THEN '⏳ Running' ELSE '○ ' || instance.status END, E'\n',
        'Output:   ' || df._cut(output, 60) || E'\n',
        E'\n',
        df._draw(nodes, instance.root_node, (
            SELECT jsonb_object_agg(s.node_id, s.status) FROM df._inferred(instance_id, nodes) AS s)));
END
$$;
COMMENT ON FUNCTION df._explain_instance(text) IS 'Internal: the drawing of an instance, with header and markers.';

-- Evaluates the expression with the caller's own rights and search_path, hence without a SET clause. The subtransaction
-- is always rolled back: an expression that starts an instance or sets a variable has no effect.
CREATE OR REPLACE FUNCTION df._evaluate(expression text, OUT node text, OUT problem text)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    evaluated pg_catalog.record;
    evaluated_rows pg_catalog.int8;
    columns pg_catalog.json;
    done pg_catalog.bool := false;
BEGIN
    BEGIN
        EXECUTE pg_catalog.concat('SELECT ', expression) INTO evaluated;
        GET DIAGNOSTICS evaluated_rows = ROW_COUNT;
        IF evaluated_rows OPERATOR(pg_catalog.>) 0::pg_catalog.int8 THEN
            columns := pg_catalog.row_to_json(evaluated);
        END IF;
        done := true;
        RAISE EXCEPTION USING ERRCODE = 'PDXPL', MESSAGE = 'df.explain takes back what the expression did';
    EXCEPTION WHEN SQLSTATE 'PDXPL' THEN
        IF NOT done THEN
            RAISE;
        END IF;
    END;
    SELECT r.node, r.problem INTO node, problem FROM df._first_text(columns) AS r;
END
$$;
COMMENT ON FUNCTION df._evaluate(text) IS 'Internal: the node text that an expression evaluates to; its effects are undone.';

CREATE OR REPLACE FUNCTION df._first_text(columns json, OUT node text, OUT problem text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind text;
BEGIN
    SELECT json_typeof(c.value), c.value #>> '{}' INTO kind, node FROM json_each(columns) WITH ORDINALITY AS c
    ORDER BY c.ordinality LIMIT 1;
    IF columns IS NULL OR kind IS NULL THEN
        problem := 'Failed to evaluate expression: it returned no row';
    ELSIF kind = 'null' THEN
        problem := 'Expression returned NULL';
    ELSIF kind <> 'string' THEN
        problem := format('Failed to evaluate expression: its first column is a %s, not text', kind);
    END IF;
END
$$;
COMMENT ON FUNCTION df._first_text(json) IS 'Internal: the first column of a row, which must be text.';

CREATE OR REPLACE FUNCTION df._explain_mode(input text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE
    WHEN input ~ '^[0-9a-fA-F]{8}$' THEN 'instance'
    WHEN strpos(input, '~>') > 0 OR strpos(input, '|=>') > 0 OR strpos(input, '?>') > 0 OR strpos(input, '!>') > 0
        OR strpos(input, '@>') > 0 OR strpos(input, 'df.') > 0 OR strpos(input, '|=') > 0 THEN 'expression'
    WHEN upper(input) ~ '^((SELECT|INSERT|UPDATE|DELETE|WITH)[ \n]|(CREATE|ALTER|DROP|CALL|DO|TRUNCATE|GRANT|REVOKE|EXPLAIN) )'
        THEN 'statement'
    ELSE 'unknown' END
$$;
COMMENT ON FUNCTION df._explain_mode(text) IS 'Internal: what df.explain was given, when it is no node text.';

-- No SET clause: the expression is evaluated with the caller's search_path.
CREATE OR REPLACE FUNCTION df.explain(input text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
DECLARE
    trimmed pg_catalog.text := pg_catalog.btrim(input, E' \t\n\r\f\v');
    mode pg_catalog.text := df._explain_mode(trimmed);
    evaluated pg_catalog.record;
    given pg_catalog.record;
BEGIN
    IF mode OPERATOR(pg_catalog.=) 'instance' THEN
        RETURN df._explain_instance(trimmed);
    END IF;
    given := df._read_node(trimmed);
    IF given.canonical IS NOT NULL THEN
        RETURN df._explain_graph(given.canonical);
    ELSIF mode OPERATOR(pg_catalog.=) 'statement' THEN
        RETURN df._explain_graph(df.sql(trimmed));
    ELSIF mode OPERATOR(pg_catalog.=) 'unknown' THEN
        RETURN pg_catalog.concat('Cannot explain input: not a valid Durofut JSON, instance ID, SQL statement, or DSL expression.',
            E'\nHint: DSL expressions use df.*() functions and operators like ~>, |=>, &, |.');
    END IF;

    evaluated := df._evaluate(trimmed);
    IF evaluated.problem IS NOT NULL THEN
        RETURN evaluated.problem;
    END IF;
    given := df._read_node(evaluated.node);
    IF given.canonical IS NULL THEN
        RETURN pg_catalog.concat('Failed to parse Durofut JSON: failed to deserialize Durofut: ',
            coalesce(given.problem, 'not a JSON object'));
    END IF;
    RETURN df._explain_graph(given.canonical);
END
$$;
COMMENT ON FUNCTION df.explain(text) IS
    'Draws a workflow (node text, expression or SQL statement) without running it, or an instance with the state of its nodes.';
