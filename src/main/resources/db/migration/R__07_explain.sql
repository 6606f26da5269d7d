-- df.explain (specification 2.6).

CREATE OR REPLACE FUNCTION df._cut(content text, longest integer) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN length(content) > longest THEN left(content, longest - 3) || '...' ELSE content END
$$;
COMMENT ON FUNCTION df._cut(text, integer) IS 'Internal: a text cut to a number of characters, with dots when something is missing.';

-- Nodes of a graph in one document, for everything that walks it: {id: {i: position, a: attempt if known, t: type, q: query, n: result name,
-- p: parameters, l: left, r: right, c: condition, x: [extras], s: stored status}}. Ids in a configuration are taken only where the type
-- has such children. Positions count from 1; walks mark in an array what they have seen, since users write these rows and
-- may link them in circles.
CREATE OR REPLACE FUNCTION df._describe_node(
    node_position bigint, node_type text, query text, result_name text, left_node text, right_node text, status text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IN ('IF', 'LOOP', 'JOIN') THEN
        config := df._json_object(query);
    END IF;
    RETURN jsonb_build_object('i', node_position, 't', node_type, 'q', query, 'n', result_name,
        'l', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF', 'LOOP', 'RETRY', 'CATCH', 'TIMEOUT', 'MAP', 'SAGA', 'WITH_UNDO', 'WITH_QUEUE') THEN left_node END,
        'r', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF', 'CATCH', 'TIMEOUT', 'MAP', 'WITH_UNDO') THEN right_node END,
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
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    kind text := node ->> 't';
    query text := node ->> 'q';
    config jsonb;
    display text;
BEGIN
    IF kind IN ('LOOP', 'WAIT_SCHEDULE', 'WAIT_CONDITION', 'WAIT_EVENT', 'HTTP', 'HTTP_MULTIPART', 'SIGNAL', 'BREAK', 'RETRY', 'CATCH', 'TIMEOUT', 'MAP', 'WITH_UNDO', 'CALL', 'ACTIVITY', 'APPROVAL', 'WITH_QUEUE') THEN
        config := df._json_object(query);
    END IF;
    display := CASE kind
        WHEN 'SQL' THEN concat('SQL: ', coalesce(df._cut(query, 50), '?'), ' with ' || df._cut(node ->> 'p', 60))
        WHEN 'SLEEP' THEN format('SLEEP %ss', coalesce(query, '?'))
        WHEN 'WAIT_SCHEDULE' THEN format('WAIT ''%s''', coalesce(config ->> 'cron_expr', '?'))
        WHEN 'WAIT_CONDITION' THEN format('WAIT UNTIL %s (every %ss)', coalesce(df._cut(config ->> 'query', 50), '?'),
            CASE WHEN config ->> 'every_ms' ~ '^[0-9]{1,12}$' THEN trim_scale((config ->> 'every_ms')::numeric / 1000)::text ELSE '?' END)
        WHEN 'SIGNAL' THEN format('SIGNAL ''%s''', coalesce(config ->> 'signal_name', '?'))
            || coalesce(' (' || (config ->> 'timeout_seconds') || 's)', '')
        WHEN 'WAIT_EVENT' THEN format('EVENT %L of %s', coalesce(config ->> 'event_name', '?'), coalesce(df._cut(config ->> 'instance_id', 40), '?'))
            || coalesce(' (' || (config ->> 'timeout_seconds') || 's)', '')
        -- Stored nodes know their attempt.
        WHEN 'RETRY' THEN format('RETRY (%s%s)',
            coalesce('attempt ' || nullif(node ->> 'a', '0') || ' of ', 'up to '),
            CASE WHEN config IS NULL THEN '?' ELSE coalesce(config ->> 'max_attempts', 'any number') END)
        WHEN 'CATCH' THEN 'CATCH' || CASE WHEN jsonb_typeof(config -> 'codes') = 'array'
            THEN format(' (%s)', (SELECT string_agg(c, ', ') FROM jsonb_array_elements_text(config -> 'codes') AS c)) ELSE '' END
        -- Stored nodes know how far they are.
        WHEN 'MAP' THEN format('MAP (%s)', concat_ws(', ', node ->> 'm', '$' || (config ->> 'items'),
            'max ' || coalesce(node ->> 'at_once', config ->> 'max_concurrent') || ' at once',
            'batches of ' || nullif(config ->> 'batch_size', '1'),
            CASE config ->> 'on_failure' WHEN 'continue' THEN 'failures go by' WHEN 'tolerate'
                THEN format('tolerates %s', config ->> 'tolerate') END))
        WHEN 'WITH_UNDO' THEN 'WITH UNDO' || CASE config ->> 'register' WHEN 'before' THEN ' (registered before)' ELSE '' END
        WHEN 'CALL' THEN format('CALL %s%s with %s', coalesce(config ->> 'name', '?'), ' version ' || (config ->> 'version'), df._cut(config ->> 'args', 60))
        WHEN 'ACTIVITY' THEN format('ACTIVITY %s with %s', coalesce(config ->> 'kind', '?'), coalesce(df._cut(config ->> 'payload', 60), '?'))
        WHEN 'APPROVAL' THEN format('APPROVAL %s by %s%s', coalesce(df._cut(config ->> 'title', 60), '?'),
            (SELECT string_agg(df._cut(a #>> '{}', 40), ', ') FROM jsonb_path_query(config -> 'assignees', 'strict $[*]') AS a),
            CASE WHEN config ->> 'quorum' <> '1' THEN format(' (%s of them)', config ->> 'quorum') END)
        WHEN 'WITH_QUEUE' THEN format('WITH QUEUE %s', coalesce(df._cut(config ->> 'queue', 60), '?')) || coalesce(', key ' || df._cut(config ->> 'key', 60), '')
        WHEN 'TIMEOUT' THEN format('TIMEOUT (%s)', CASE
            WHEN config ->> 'within_ms' ~ '^[0-9]{1,12}$' THEN format('%ss', trim_scale((config ->> 'within_ms')::numeric / 1000))
            ELSE coalesce('until ' || (config ->> 'deadline'), '?') END)
        WHEN 'LOOP' THEN concat('LOOP (', CASE WHEN node ->> 'c' IS NULL THEN 'infinite' ELSE 'while' END,
            CASE WHEN config ->> 'every_ms' ~ '^[0-9]{1,12}$'
                 THEN format(', every %ss', trim_scale((config ->> 'every_ms')::numeric / 1000)) END, ')')
        WHEN 'BREAK' THEN CASE WHEN jsonb_typeof(config -> 'break_value') = 'string'
            THEN format('BREAK ''%s''', df._cut(config ->> 'break_value', 20)) ELSE 'BREAK' END
        WHEN 'JOIN' THEN format('JOIN (%s)', coalesce(jsonb_array_length(node -> 'b'), 2 + jsonb_array_length(node -> 'x')))
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
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
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
    joined text[];
    inner_join jsonb;
    is_definition boolean := markers IS NULL;
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
            -- A join of joins is drawn as one, unless somebody asks for the result of a part.
            IF node ->> 't' = 'JOIN' THEN
                joined := ARRAY[node ->> 'l', node ->> 'r'] || ARRAY(SELECT jsonb_array_elements_text(node -> 'x'));
                j := 1;
                WHILE j <= cardinality(joined) LOOP
                    inner_join := nodes -> joined[j];
                    IF inner_join ->> 't' = 'JOIN' AND inner_join ->> 'n' IS NULL AND seen[(inner_join ->> 'i')::integer] IS NOT TRUE THEN
                        seen[(inner_join ->> 'i')::integer] := true;
                        joined := joined[:j - 1] || ARRAY[inner_join ->> 'l', inner_join ->> 'r']
                            || ARRAY(SELECT jsonb_array_elements_text(inner_join -> 'x')) || joined[j + 1:];
                    ELSE
                        j := j + 1;
                    END IF;
                END LOOP;
                node := node || jsonb_build_object('b', to_jsonb(joined));
            END IF;
            new_texts := array_append(new_texts, concat(prefix,
                CASE WHEN i > 1 THEN '→ ' WHEN prefix = '' THEN '' WHEN last THEN '└─' ELSE '├─' END,
                df._display(node),
                CASE markers ->> members[i]
                    WHEN 'completed' THEN ' ✓' WHEN 'failed' THEN ' ✗' WHEN 'running' THEN ' ⏳'
                    WHEN 'pending' THEN ' ○' WHEN 'skipped' THEN ' ⊘' WHEN 'compensating' THEN ' ↶ compensating' END, '  ' || (node ->> 'note')));
            new_ids := array_append(new_ids, NULL); new_prefixes := array_append(new_prefixes, NULL);
            new_lasts := array_append(new_lasts, NULL);

            below := concat(prefix, CASE
                WHEN prefix = '' OR last OR nodes -> id ->> 't' = 'THEN' THEN '    ' ELSE '│   ' END);
            FOREACH drawing IN ARRAY string_to_array(coalesce(node ->> 'e', ''), E'\n') LOOP
                new_texts := array_append(new_texts, concat(below, drawing));
                new_ids := array_append(new_ids, NULL); new_prefixes := array_append(new_prefixes, NULL);
                new_lasts := array_append(new_lasts, NULL);
            END LOOP;
            -- Between marks, a sign would read as one of them.
            branches := CASE node ->> 't'
                WHEN 'LOOP' THEN ARRAY['↻ body:', node ->> 'l', '? while:', node ->> 'c']
                WHEN 'RETRY' THEN ARRAY['↻ body:', node ->> 'l']
                WHEN 'CATCH' THEN ARRAY['• body:', node ->> 'l', CASE WHEN is_definition THEN '✗' ELSE '•' END || ' on failure:', node ->> 'r']
                WHEN 'SAGA' THEN ARRAY['• body:', node ->> 'l']
                WHEN 'WITH_QUEUE' THEN ARRAY['• in a slot:', node ->> 'l']
                WHEN 'WITH_UNDO' THEN ARRAY['• step:', node ->> 'l', '↶ undo:', node ->> 'r']
                WHEN 'MAP' THEN ARRAY['• items:', node ->> 'r', '↻ for each:', node ->> 'l']
                WHEN 'TIMEOUT' THEN ARRAY['• body:', node ->> 'l', CASE WHEN is_definition THEN '✗' ELSE '•' END || ' when the time is over:', node ->> 'r']
                WHEN 'IF' THEN ARRAY['? condition:', node ->> 'c', CASE WHEN is_definition THEN '✓' ELSE '•' END || ' then:', node ->> 'l',
                    CASE WHEN is_definition THEN '✗' ELSE '•' END || ' else:', node ->> 'r']
                WHEN 'RACE' THEN ARRAY['║ branch 1:', node ->> 'l', '║ branch 2:', node ->> 'r']
                WHEN 'JOIN' THEN (SELECT array_agg(b ORDER BY x.ordinality, part)
                                  FROM unnest(joined) WITH ORDINALITY AS x(id, ordinality),
                                       LATERAL (VALUES (1, format('║ branch %s:', x.ordinality)), (2, x.id)) AS v(part, b))
                ELSE '{}' END;
            FOR j IN 1 .. cardinality(branches) / 2 LOOP
                CONTINUE WHEN branches[2 * j] IS NULL;
                new_texts := new_texts || concat(below, branches[2 * j - 1]) || NULL::text;
                new_ids := new_ids || NULL::text || branches[2 * j];
                new_prefixes := new_prefixes || NULL::text || concat(below, '  ');
                -- Branches of JOIN and RACE hang together; the parts of LOOP and IF stand alone.
                new_lasts := new_lasts || NULL::boolean
                    || (node ->> 't' IN ('LOOP', 'IF', 'RETRY', 'CATCH', 'TIMEOUT', 'MAP', 'SAGA', 'WITH_UNDO', 'WITH_QUEUE') OR 2 * j = cardinality(branches));
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
    -- Long statements and messages stand out of it.
    widest := coalesce((SELECT max(length(line)) FROM unnest(lines) AS line WHERE length(line) <= 200), 0);
    RETURN (SELECT string_agg(CASE WHEN length(line) <= widest THEN rpad(line, widest + 4) ELSE line END, E'\n' ORDER BY ordinality)
            FROM unnest(lines) WITH ORDINALITY AS l(line, ordinality));
END
$$;
COMMENT ON FUNCTION df._draw(jsonb, text, jsonb) IS
    'Internal: the tree of df.explain. Markers, if any, are {id: inferred status}.';

CREATE OR REPLACE FUNCTION df._explain_graph(node text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    problem text := (df._graph(node)).problem;
BEGIN
    IF problem IS NOT NULL THEN
        RETURN 'Invalid durable function graph: ' || problem;
    END IF;
    RETURN df._draw(
        (SELECT jsonb_object_agg(n.id, df._describe_node(n.node_position, n.node_type, n.query,
                n.result_name, n.left_node, n.right_node, NULL) || jsonb_build_object('p', n.params))
         FROM df._definition('00000000', node) AS n),
        '00000000', NULL);
END
$$;
COMMENT ON FUNCTION df._explain_graph(text) IS 'Internal: the drawing of a node text.';

CREATE OR REPLACE FUNCTION df._explain_instance(instance_id text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    instance record;
    nodes jsonb;
    drawn record;
    output text;
BEGIN
    SELECT i.id, i.label, i.root_node, i.status, i.output, i.cancel_reason, i.compensated INTO instance
    FROM df.instances i WHERE i.id = _explain_instance.instance_id;
    IF NOT FOUND THEN
        RETURN format('Instance ''%s'' not found', instance_id);
    END IF;
    nodes := df._nodes_document(instance_id);
    IF nodes IS NULL THEN
        RETURN format('No nodes found for instance ''%s''', instance_id);
    END IF;
    output := df._output(instance.status, instance.output, instance.cancel_reason);
    drawn := df._explained(instance_id, instance.root_node, nodes,
        instance.status IN ('completed', 'failed', 'cancelled') AND instance.output IS NOT NULL);
    RETURN concat(
        'Instance: ', instance.id, ' (' || instance.label || ')', E'\n',
        'Status:   ', CASE instance.status WHEN 'completed' THEN '✓ Completed' WHEN 'failed' THEN '✗ Failed'
            WHEN 'cancelled' THEN '✗ Cancelled' WHEN 'running' THEN '⏳ Running' ELSE '○ ' || instance.status END, E'\n',
        CASE WHEN EXISTS (SELECT FROM jsonb_each_text(drawn.markers) AS m WHERE m.value = 'compensating') THEN E'          ↶ compensating\n'
             WHEN instance.compensated THEN E'          ↶ compensated\n' END,
        'Output:   ' || CASE WHEN instance.status = 'failed' THEN output ELSE df._cut(output, 60) END || E'\n',
        CASE WHEN instance.status = 'pending' THEN 'Waits:    ' || df._held_text(instance.id) || E'\n' END,
        CASE WHEN instance.status IN ('pending', 'running') THEN (
            SELECT concat('Aside:    ', n.status_details #>> '{set_aside,reason}', ', since ',
                df._moment((n.status_details #>> '{set_aside,since}')::timestamptz), E'\n          df.resume lets it go on\n')
            FROM df.nodes n WHERE n.instance_id = instance.id AND n.id = instance.root_node AND n.status_details ? 'set_aside') END,
        E'\n',
        df._draw(drawn.explained, instance.root_node, drawn.markers));
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
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
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
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE
    WHEN input ~ '^[0-9a-fA-F]{8}$' THEN 'instance'
    WHEN strpos(input, '~>') > 0 OR strpos(input, '|=>') > 0 OR strpos(input, '?>') > 0 OR strpos(input, '!>') > 0
        OR strpos(input, '@>') > 0 OR strpos(input, 'df.') > 0 OR strpos(input, '|=') > 0 THEN 'expression'
    WHEN upper(input) ~ '^((SELECT|INSERT|UPDATE|DELETE|WITH)[ \n]|(CREATE|ALTER|DROP|CALL|DO|TRUNCATE|GRANT|REVOKE|EXPLAIN) )'
        THEN 'statement'
    ELSE 'unknown' END
$$;
COMMENT ON FUNCTION df._explain_mode(text) IS 'Internal: the kind of an argument of df.explain that is no node text.';

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

---------------------------------------------------------------------------------------------------------------------
-- What is said of the nodes of an instance beside their marks: times, attempts, rounds, and failures in full
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._moment(moment timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN isfinite(moment) THEN to_char(moment, 'YYYY-MM-DD HH24:MI:SSOF') ELSE moment::text END
$$;
COMMENT ON FUNCTION df._moment(timestamptz) IS 'Internal: a time to the second, with the offset of the session''s time zone.';

CREATE OR REPLACE FUNCTION df._span(span interval) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN ms < 1000 THEN format('%s ms', round(ms)) WHEN ms < 60000 THEN format('%s s', round(ms / 1000, 1))
            ELSE justify_hours(date_trunc('second', span))::text END
FROM (SELECT greatest(0, 1000 * extract(epoch FROM span)::numeric) AS ms) AS s
$$;
COMMENT ON FUNCTION df._span(interval) IS 'Internal: the text of a duration.';

CREATE OR REPLACE FUNCTION df._failure_text(
    error text, status_details jsonb, executed_query text, params jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT concat_ws(E'\n', error,
    'Step: ' || (status_details ->> 'step'),
    CASE WHEN status_details ->> 'code' ~ '^[0-9A-Z]{5}$' THEN 'SQLSTATE: ' ELSE 'Code: ' END || (status_details ->> 'code'),
    CASE WHEN status_details ->> 'code' LIKE 'http:%' THEN 'Answer: ' ELSE 'DETAIL: ' END || (status_details ->> 'detail'),
    'HINT: ' || (status_details ->> 'hint'),
    'Statement: ' || nullif(executed_query, ''),
    'Position: ' || (status_details ->> 'position'),
    CASE WHEN executed_query IS NOT NULL THEN 'Parameters: ' || params::text END)
$$;
COMMENT ON FUNCTION df._failure_text(text, jsonb, text, jsonb) IS 'Internal: all that is known of the failure of a node.';

-- Which node an instance failed at: from the root down to the failure that decided. Of a CATCH the handler's; of all others the first
-- one in the order of the branches that was not an interruption.
CREATE OR REPLACE FUNCTION df._failed_at(instance_id text, root text, nodes jsonb, OUT node_id text, OUT path text, OUT name text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    failed jsonb := (SELECT coalesce(jsonb_object_agg(i.node_id, true), '{}')
                     FROM df._inferred(instance_id, nodes) AS i JOIN df.nodes n ON n.instance_id = _failed_at.instance_id AND n.id = i.node_id
                     WHERE n.status = 'failed' AND i.from_id IS NULL AND NOT coalesce(n.status_details ? 'canceled', false));
    seen jsonb := '{}';
    next record;
BEGIN
    node_id := root;
    path := 'root';
    name := nodes -> root ->> 'n';
    WHILE NOT seen ? node_id LOOP
        seen := seen || jsonb_build_object(node_id, true);
        SELECT c.id, c.step INTO next
        FROM (SELECT nodes -> node_id ->> 'l' AS id, '.left' AS step, CASE WHEN nodes -> node_id ->> 't' = 'CATCH' THEN 3 ELSE 1 END AS place
              UNION ALL SELECT nodes -> node_id ->> 'r', '.right', 2
              UNION ALL SELECT nodes -> node_id ->> 'c', '.condition_node', 0
              UNION ALL SELECT x.value, format('.extra_nodes[%s]', x.ordinality - 1), 10 + x.ordinality
                        FROM jsonb_array_elements_text(nodes -> node_id -> 'x') WITH ORDINALITY AS x) AS c
        WHERE failed ? c.id
        ORDER BY c.place LIMIT 1;
        EXIT WHEN NOT FOUND;
        -- A name behind a chain is meant for its last step.
        name := coalesce(nodes -> next.id ->> 'n', CASE WHEN nodes -> node_id ->> 't' = 'THEN' AND next.step = '.right' THEN name END);
        node_id := next.id;
        path := path || next.step;
    END LOOP;
    IF NOT failed ? node_id THEN
        node_id := NULL;
        path := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION df._failed_at(text, text, jsonb) IS 'Internal: the node at which an instance failed, the path to it, and the name of its result.';

-- The output of an instance in full: lists have the first line of a failure.
CREATE OR REPLACE FUNCTION df._whole_output(p_instance text, root text, status text, output text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    at record;
    said text;
BEGIN
    IF status = 'pending' THEN
        RETURN coalesce(output, 'waits ' || df._held_text(p_instance));
    ELSIF status IS DISTINCT FROM 'failed' THEN
        RETURN output;
    END IF;
    at := df._failed_at(p_instance, root, df._nodes_document(p_instance));
    SELECT concat_ws(E'\n',
               format('Node: %s, %s%s (%s)', n.id, at.path, ', ' || quote_literal(at.name), n.node_type),
               -- What the output says already is not said again.
               nullif(CASE WHEN right(output, length(n.error)) = n.error
                           THEN ltrim(substr(df._failure_text(n.error, n.status_details, n.executed_query, n.params), length(n.error) + 1), E'\n')
                           ELSE df._failure_text(n.error, n.status_details, n.executed_query, n.params) END, ''))
    INTO said
    FROM df.nodes n WHERE n.instance_id = p_instance AND n.id = at.node_id;
    RETURN concat_ws(E'\n', output, said);
END
$$;
COMMENT ON FUNCTION df._whole_output(text, text, text, text) IS
    'Internal: the output of an instance; of a failed one with the node, the server''s message, and the statement.';

-- One line for a node, in the words of df.explain.
CREATE OR REPLACE FUNCTION df._note(n df.nodes, has_ended boolean) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    round text := (regexp_match(n.status_details ->> 'execution_id', '::([0-9]{1,18})$'))[1];
    note text;
BEGIN
    note := concat_ws(', ',
        CASE WHEN n.node_type = 'LOOP' AND (round <> '1' OR n.status = 'running') THEN 'round ' || round END,
        CASE WHEN n.node_type LIKE 'HTTP%' THEN CASE
            WHEN n.status = 'completed' AND jsonb_typeof(n.result) = 'object' THEN 'status ' || (n.result ->> 'status')
            WHEN n.status_details ->> 'code' ~ '^http:[0-9]+$' THEN 'status ' || substr(n.status_details ->> 'code', 6) END END,
        CASE WHEN n.node_type = 'CALL' THEN df._child_note(n.instance_id, n.id, n.status_details ->> 'execution_id') END,
        CASE WHEN n.node_type = 'ACTIVITY' AND n.status = 'running' AND NOT has_ended
             THEN df._activity_note(n.instance_id, n.id, n.status_details ->> 'execution_id') END,
        CASE WHEN n.node_type = 'APPROVAL' AND n.status = 'running' AND NOT has_ended
             THEN df._approval_note(n.instance_id, n.id, n.status_details ->> 'execution_id') END,
        CASE WHEN n.attempt > 1 AND n.node_type <> 'RETRY' THEN 'attempt ' || n.attempt END,
        'interrupted: ' || (n.status_details ->> 'canceled'),
        CASE WHEN n.status_details ? 'at_least_once' THEN 'at least once' END,
        'waits: ' || (n.status_details -> 'waits' ->> 'reason'),
        CASE WHEN has_ended THEN NULL
             WHEN n.wake_at = 'infinity' THEN NULL
             WHEN n.node_type IN ('LOOP', 'RETRY', 'WAIT_CONDITION') THEN CASE WHEN n.wake_at > clock_timestamp() THEN 'next at ' || df._moment(n.wake_at) END
             ELSE 'until ' || df._moment(n.wake_at) END,
        CASE WHEN n.status = 'running' AND NOT has_ended AND n.started_at <= clock_timestamp() THEN 'since ' || df._moment(n.started_at)
             WHEN n.status IN ('completed', 'failed') AND NOT n.status_details ? 'canceled'
             THEN concat_ws(', ', df._moment(n.started_at), df._span(n.updated_at - n.started_at)) END);
    RETURN nullif(note, '');
END
$$;
COMMENT ON FUNCTION df._note(df.nodes, boolean) IS 'Internal: the note of df.explain behind the mark of a node.';

-- Marks: those of df._inferred, but what was interrupted, and what will never run, is skipped; and a node of which something below runs, or
-- has run, is running.
CREATE OR REPLACE FUNCTION df._explained(instance_id text, root text, nodes jsonb, has_ended boolean, OUT explained jsonb, OUT markers jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    parents jsonb;
    child text;
BEGIN
    -- In sets: a document that grows by each of 10,000 nodes is copied as often.
    SELECT coalesce(jsonb_object_agg(n.id, CASE WHEN n.canceled OR has_ended AND n.status IN ('pending', 'running') THEN 'skipped' ELSE n.status END), '{}'),
           nodes || coalesce(jsonb_object_agg(n.id, nodes -> n.id::text || jsonb_build_object('note', n.note, 'e', n.failure))
                             FILTER (WHERE n.note IS NOT NULL OR n.failure IS NOT NULL), '{}')
    INTO markers, explained
    FROM (
        SELECT x.id, i.status, coalesce(x.status_details ? 'canceled', false) AS canceled,
               CASE WHEN i.status IN ('completed', 'failed', 'running') THEN df._note(x, has_ended) END AS note,
               CASE WHEN i.status = 'failed' AND NOT coalesce(x.status_details ? 'canceled', false) AND x.left_node IS NULL
                        -- What is done for each item has no rows: its failure is the map's.
                        OR i.status = 'failed' AND x.node_type = 'MAP' AND x.status_details ? 'step'
                        OR x.node_type IN ('RETRY', 'LOOP') AND x.status = 'running' AND x.error IS NOT NULL
                    THEN df._failure_text(x.error, x.status_details, x.executed_query, x.params) END AS failure
        FROM df.nodes x JOIN df._inferred(instance_id, nodes) AS i ON i.node_id = x.id
        WHERE x.instance_id = _explained.instance_id) AS n;
    IF NOT has_ended THEN
        parents := (SELECT coalesce(jsonb_object_agg(c.child, p.key), '{}')
                    FROM jsonb_each(nodes) AS p CROSS JOIN LATERAL (
                        SELECT p.value ->> 'l' UNION ALL SELECT p.value ->> 'r' UNION ALL SELECT p.value ->> 'c'
                        UNION ALL SELECT jsonb_array_elements_text(p.value -> 'x')) AS c(child)
                    WHERE c.child IS NOT NULL);
        markers := markers || (
            WITH RECURSIVE above AS (
                SELECT parents ->> m.key AS id FROM jsonb_each_text(markers) AS m WHERE m.value IN ('running', 'completed', 'failed')
                UNION
                SELECT parents ->> a.id FROM above AS a WHERE markers ->> a.id = 'pending')
            SELECT coalesce(jsonb_object_agg(a.id, 'running'), '{}') FROM above AS a WHERE markers ->> a.id = 'pending');
    END IF;
    IF NOT has_ended AND EXISTS (SELECT FROM jsonb_each(nodes) AS s WHERE s.value ->> 't' = 'SAGA') THEN
        FOREACH child IN ARRAY df._compensating(nodes, markers) LOOP
            markers := markers || jsonb_build_object(child, 'compensating');
        END LOOP;
    END IF;
    -- What is done for each item has no status of its own: the map says how many are how far.
    markers := markers - ARRAY(
        WITH RECURSIVE each_item AS (
            SELECT m.value ->> 'l' AS id FROM jsonb_each(nodes) AS m WHERE m.value ->> 't' = 'MAP' AND m.value ->> 'm' IS NOT NULL
            UNION
            SELECT c.child FROM each_item AS e CROSS JOIN LATERAL (
                SELECT unnest(ARRAY[nodes -> e.id ->> 'l', nodes -> e.id ->> 'r', nodes -> e.id ->> 'c'])
                UNION ALL SELECT jsonb_array_elements_text(nodes -> e.id -> 'x')) AS c(child)
            WHERE c.child IS NOT NULL)
        SELECT id FROM each_item);
END
$$;
COMMENT ON FUNCTION df._explained(text, text, jsonb, boolean) IS 'Internal: marks, notes and failures for df.explain of an instance.';
