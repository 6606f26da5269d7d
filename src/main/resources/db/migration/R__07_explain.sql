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
        'l', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF', 'LOOP', 'RETRY', 'CATCH') THEN left_node END,
        'r', CASE WHEN node_type IN ('THEN', 'RACE', 'JOIN', 'IF', 'CATCH') THEN right_node END,
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
    IF kind IN ('WAIT_SCHEDULE', 'HTTP', 'HTTP_MULTIPART', 'SIGNAL', 'BREAK', 'RETRY', 'CATCH') THEN
        config := df._json_object(query);
    END IF;
    display := CASE kind
        WHEN 'SQL' THEN concat('SQL: ', coalesce(df._cut(query, 50), '?'), ' with ' || df._cut(node ->> 'p', 60))
        WHEN 'SLEEP' THEN format('SLEEP %ss', coalesce(query, '?'))
        WHEN 'WAIT_SCHEDULE' THEN format('WAIT ''%s''', coalesce(config ->> 'cron_expr', '?'))
        WHEN 'SIGNAL' THEN format('SIGNAL ''%s''', coalesce(config ->> 'signal_name', '?'))
            || coalesce(' (' || (config ->> 'timeout_seconds') || 's)', '')
        -- Stored nodes know their attempt.
        WHEN 'RETRY' THEN format('RETRY (%s%s)',
            coalesce('attempt ' || nullif(node ->> 'a', '0') || ' of ', 'up to '),
            CASE WHEN config IS NULL THEN '?' ELSE coalesce(config ->> 'max_attempts', 'any number') END)
        WHEN 'CATCH' THEN 'CATCH' || CASE WHEN jsonb_typeof(config -> 'codes') = 'array'
            THEN format(' (%s)', (SELECT string_agg(c, ', ') FROM jsonb_array_elements_text(config -> 'codes') AS c)) ELSE '' END
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
                WHEN 'CATCH' THEN ARRAY['• body:', node ->> 'l', '✗ on failure:', node ->> 'r']
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
                    || (node ->> 't' IN ('LOOP', 'IF', 'RETRY', 'CATCH') OR 2 * j = cardinality(branches));
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
