-- Graphs: what a node text has to look like, and which nodes it means (specification 1.3, 1.4, 1.6, 3.2).
--
-- A graph is one JSON text, that of its root, with the children nested in it. It is read in two ways: at a glance when it looks
-- as builders print it, which is nearly always, and otherwise member by member, which finds the words for what is wrong.

-- One parse and one jsonpath. Everything that is no object, array or string is unusual, and so is every object that is no
-- well-formed node. jsonb forgets members that occur twice, and it prints strings in one way only: but for blanks, a text that
-- is printed the same has none. An escape can mean what no text can hold, also in a configuration inside of a string. A text
-- of so few bytes has no more nodes than allowed, and none that is too long.
CREATE OR REPLACE FUNCTION df._is_printed(graph text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    document jsonb;
BEGIN
    IF left(graph, 14) <> '{"node_type":"' OR octet_length(graph) > 250000 OR strpos(graph, E'\\u') > 0
    THEN
        RETURN false;
    END IF;
    -- A name that is bound nowhere is looked for where it stands. Apart, so that what follows is an expression without a query.
    IF strpos(graph, '$') > 0 THEN
        IF EXISTS (SELECT FROM (SELECT DISTINCT m[1] AS name FROM regexp_matches(graph, '[$]([A-Za-z_][A-Za-z0-9_]*)', 'g') AS m) AS r
                   WHERE strpos(graph, concat(',"result_name":"', r.name, '"}')) = 0) THEN
            RETURN false;
        END IF;
    END IF;
    -- Options of a request, and time zones, are looked at more closely.
    IF strpos(graph, E'\\"options\\"') > 0 OR strpos(graph, E'\\"timezone\\"') > 0 THEN
        RETURN false;
    END IF;
    document := graph::jsonb;
    -- What is certain about parameters at a glance: as many as there are numbers in the text.
    IF strpos(graph, '"params"') > 0 THEN
        IF EXISTS (SELECT FROM jsonb_path_query(document, 'strict $.** ? (exists(@.params))') AS n
                   WHERE (n ->> 'node_type' = 'SQL' AND jsonb_typeof(n -> 'params') = 'array'
                       AND NOT n @? 'strict $.params[*] ? (@.type() != "string")'
                       AND (SELECT count(DISTINCT m[1]) = jsonb_array_length(n -> 'params')
                                AND max(m[1]::integer) = jsonb_array_length(n -> 'params')
                            FROM regexp_matches(n ->> 'query', '[$]([1-9][0-9]{0,4})', 'g') AS m)) IS NOT TRUE)
        THEN
            RETURN false;
        END IF;
    END IF;
    RETURN octet_length(replace(graph, ' ', '')) = octet_length(replace(document::text, ' ', ''))
        AND NOT document @? '$.** ? (@.type() != "string" && !(
            (@.node_type == "SQL" || @.node_type == "SLEEP" || @.node_type == "SIGNAL" || @.node_type == "HTTP"
                || @.node_type == "WAIT_SCHEDULE" || @.node_type == "BREAK" || @.node_type == "HTTP_MULTIPART")
            && @.query.type() == "string" && !exists(@.left_node) && !exists(@.right_node) && !exists(@.condition_node)
            && !exists(@.extra_nodes)
            && (!exists(@.result_name) || @.result_name like_regex "^[A-Za-z_][A-Za-z0-9_]{0,62}$")
            || (@.node_type == "THEN" || @.node_type == "JOIN" || @.node_type == "RACE")
            && @.left_node.type() == "object" && @.right_node.type() == "object" && !exists(@.condition_node)
            && !exists(@.extra_nodes) && !exists(@.query)
            && (!exists(@.result_name) || @.result_name like_regex "^[A-Za-z_][A-Za-z0-9_]{0,62}$")
            || @.node_type == "IF" && @.left_node.type() == "object" && @.right_node.type() == "object"
            && @.condition_node.type() == "object" && !exists(@.extra_nodes) && !exists(@.query)
            && (!exists(@.result_name) || @.result_name like_regex "^[A-Za-z_][A-Za-z0-9_]{0,62}$")
            || @.node_type == "LOOP" && @.left_node.type() == "object" && !exists(@.right_node)
            && (!exists(@.condition_node) || @.condition_node.type() == "object") && !exists(@.extra_nodes)
            && !exists(@.query)
            && (!exists(@.result_name) || @.result_name like_regex "^[A-Za-z_][A-Za-z0-9_]{0,62}$")))'
        AND (octet_length(graph) < 8000 OR NOT document @? '$.**{257 to last}');
EXCEPTION WHEN data_exception OR statement_too_complex THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._is_printed(text) IS
    'Internal: whether a text is a well-formed graph as builders print it, whose references are bound by somebody. False means: look closer (df._parse_root, df._graph).';

-- The strict variant of the auto-wrap rule, for df.start (specification 1.3).
CREATE OR REPLACE FUNCTION df._parse_root(fut text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    r record;
    problem text;
BEGIN
    IF left(ltrim(fut, E' \t\n\r\f\v'), 1) <> '{' OR fut = '' THEN
        problem := df._misused_helper();
    ELSE
        r := df._read_node(fut);
        IF r.node_type IS NOT NULL AND NOT df._known_type(r.node_type) THEN
            problem := df._unknown_type(r.node_type);
        ELSIF r.node_type IS NOT NULL AND r.problem IS NOT NULL THEN
            problem := format('Malformed Durofut JSON with node_type ''%s'': %s', r.node_type, r.problem);
        ELSIF r.canonical IS NOT NULL THEN
            RETURN r.canonical;
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'Invalid durable function: %', problem USING ERRCODE = 'internal_error';
    END IF;
    RETURN df.sql(fut);
END
$$;
COMMENT ON FUNCTION df._parse_root(text) IS 'Internal: the node that a text given to df.start means.';

-- What cannot be run is refused when it is inserted; the words are those of a constraint.
CREATE OR REPLACE FUNCTION df._violates(p_table text, p_constraint text, p_detail text DEFAULT NULL, p_hint text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', p_table, p_constraint
        USING ERRCODE = 'check_violation', SCHEMA = 'df', TABLE = p_table, CONSTRAINT = p_constraint,
              DETAIL = coalesce(p_detail, ''), HINT = coalesce(p_hint, '');
END
$$;
COMMENT ON FUNCTION df._violates(text, text, text, text) IS 'Internal: raises check_violation in the words of PostgreSQL.';

-- The worker loads definitions into its memory, which submitters must not be able to fill.
CREATE OR REPLACE FUNCTION df._check_size(p_table text, p_constraint text, what text, bytes bigint, most bigint)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF bytes > most THEN
        PERFORM df._violates(p_table, p_constraint, format('%s has %s bytes, at most %s are allowed.', what, bytes, most),
            CASE WHEN most > 4096 THEN 'Put large values into a table, and their key into the workflow.'
                 ELSE 'Choose a shorter one.' END);
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_size(text, text, text, bigint, bigint) IS
    'Internal: raises check_violation when a value is larger than allowed.';

CREATE OR REPLACE FUNCTION df._check_definition(
    node_type text, query text, result_name text, has_left boolean, has_right boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF NOT df._known_type(node_type) THEN
        PERFORM df._violates('nodes', 'nodes_node_type_chk');
    ELSIF result_name !~ '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        PERFORM df._violates('nodes', 'nodes_result_name_chk');
    ELSIF NOT (CASE
        WHEN NOT has_left THEN NOT has_right AND query IS NOT NULL
            AND node_type = ANY ('{SQL,SLEEP,WAIT_SCHEDULE,BREAK,HTTP,HTTP_MULTIPART,SIGNAL,WAIT_CONDITION,WAIT_EVENT,CALL,ACTIVITY,APPROVAL}')
        WHEN NOT has_right THEN node_type IN ('LOOP', 'SAGA') OR node_type IN ('RETRY', 'TIMEOUT', 'MAP', 'WITH_QUEUE') AND query IS NOT NULL
        WHEN query IS NULL THEN node_type = ANY ('{THEN,RACE,JOIN}')
        ELSE node_type = ANY ('{IF,JOIN,CATCH,TIMEOUT,MAP,WITH_UNDO}')
    END) THEN
        PERFORM df._violates('nodes', 'nodes_structure_chk');
    END IF;
    PERFORM df._check_size('nodes', 'nodes_query_size_chk', 'query', octet_length(query), 1048576),
            df._check_size('nodes', 'nodes_result_name_size_chk', 'result_name', octet_length(result_name), 256);
END
$$;
COMMENT ON FUNCTION df._check_definition(text, text, text, boolean, boolean) IS
    'Internal: raises check_violation when a node is not complete, or too large.';

CREATE OR REPLACE FUNCTION df._is_json(content text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    nothing pg_catalog.json;
BEGIN
    nothing := content;
    RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._is_json(text) IS 'Internal: whether a text is JSON, whatever its escapes mean.';

-- The words for a configuration that the worker could not read, or the database not hold.
CREATE OR REPLACE FUNCTION df._unstorable(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    nothing jsonb;
BEGIN
    IF node_type IN ('SQL', 'SLEEP') OR strpos(query, '\u') = 0 OR left(ltrim(query, E' \t\n\r'), 1) <> '{' THEN
        RETURN NULL;
    END IF;
    nothing := query::jsonb;
    RETURN NULL;
EXCEPTION
    WHEN untranslatable_character THEN
        RETURN format('query in %s holds \u0000, which no text of PostgreSQL can hold', node_type);
    WHEN invalid_text_representation THEN
        -- JSON that jsonb does not take: half a pair of surrogates.
        IF df._is_json(query) THEN
            RETURN format('query in %s holds an escape that means no character', node_type);
        END IF;
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._unstorable(text, text) IS
    'Internal: the problem of a configuration whose strings no text can hold; NULL for none.';

CREATE OR REPLACE FUNCTION df._config_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IS NULL OR node_type NOT IN ('CATCH', 'LOOP', 'TIMEOUT') OR query IS NULL THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    IF node_type = 'LOOP' THEN
        RETURN CASE WHEN config ? 'every_ms' AND (config ->> 'every_ms' ~ '^[0-9]{1,12}$'
                        AND (config ->> 'every_ms')::bigint <= 315576000000) IS NOT TRUE
            THEN 'every_ms of LOOP is not an integer from 0 to 315576000000' END;
    END IF;
    IF node_type = 'TIMEOUT' THEN
        RETURN CASE
            WHEN config IS NULL THEN 'query in TIMEOUT must be a JSON config object'
            WHEN (config ? 'within_ms') = (config ? 'deadline') THEN 'TIMEOUT has neither or both of within_ms and deadline'
            WHEN config ? 'within_ms' AND (config ->> 'within_ms' ~ '^[0-9]{1,12}$'
                    AND (config ->> 'within_ms')::bigint BETWEEN 1 AND 315576000000) IS NOT TRUE
                THEN 'within_ms of TIMEOUT is not an integer from 1 to 315576000000'
            WHEN config ? 'deadline' AND (config ->> 'deadline' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$') IS NOT TRUE
                THEN 'deadline of TIMEOUT is no time such as 2026-12-01T08:00:00Z' END;
    END IF;
    IF config IS NULL THEN
        RETURN 'query in CATCH must be a JSON config object';
    ELSIF jsonb_typeof(config -> 'codes') = 'array' THEN
        PERFORM df._check_codes('CATCH', 'codes', '', ARRAY(SELECT jsonb_array_elements_text(config -> 'codes')));
    ELSIF jsonb_typeof(config -> 'codes') <> 'null' THEN
        RETURN 'codes of CATCH is neither null nor an array';
    END IF;
    RETURN NULL;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN sqlerrm;
END
$$;
COMMENT ON FUNCTION df._config_problem(text, text) IS
    'Internal: the problem of the configuration of a CATCH, LOOP or TIMEOUT; NULL for none, and for other nodes.';

CREATE OR REPLACE FUNCTION df._waiting_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type = 'WAIT_CONDITION' AND query IS NOT NULL THEN
        config := df._json_object(query);
        RETURN CASE
            WHEN config IS NULL THEN 'query in WAIT_CONDITION must be a JSON config object'
            WHEN coalesce(jsonb_typeof(config -> 'query'), '') <> 'string' OR config ->> 'query' ~ '^\s*$' THEN 'WAIT_CONDITION has no query'
            WHEN (config ->> 'every_ms' ~ '^[0-9]{3,12}$' AND jsonb_typeof(config -> 'every_ms') = 'number'
                  AND (config ->> 'every_ms')::bigint BETWEEN 100 AND 315576000000) IS NOT TRUE
            THEN 'every_ms of WAIT_CONDITION is not an integer from 100 to 315576000000' END;
    ELSIF node_type IN ('HTTP', 'HTTP_MULTIPART') AND strpos(query, '"options"') > 0 THEN
        config := df._json_object(query);
        IF config ? 'options' THEN
            PERFORM df._check_http_options(config -> 'options', node_type, config ->> 'method', config ->> 'body');
        END IF;
    ELSIF node_type = 'WAIT_SCHEDULE' AND strpos(query, 'timezone') > 0 THEN
        RETURN df._zone_problem(df._json_object(query) ->> 'timezone');
    ELSIF node_type = 'LOOP' AND strpos(query, 'continue_on_failure') > 0 THEN
        config := df._json_object(query);
        RETURN CASE WHEN jsonb_typeof(config -> 'continue_on_failure') NOT IN ('boolean', 'null')
                    THEN 'continue_on_failure of LOOP is neither true nor false' END;
    END IF;
    RETURN NULL;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN sqlerrm;
END
$$;
COMMENT ON FUNCTION df._waiting_problem(text, text) IS
    'Internal: the problem of the configuration of a WAIT_CONDITION, a WAIT_SCHEDULE, a LOOP that goes on after failures, or the options of a request; NULL for none.';

-- The names that a node binds, for those that come after it or stand inside of it. A new type of node that binds names of its own is added
-- here, and nowhere else.
CREATE OR REPLACE FUNCTION df._binds(node_type text, query text, result_name text) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT array_cat(CASE WHEN result_name IS NOT NULL AND node_type <> 'BREAK' THEN ARRAY[result_name] END,
                 CASE WHEN node_type = 'CATCH' THEN '{error}'::text[]
                      WHEN node_type = 'MAP' THEN ARRAY[df._json_object(query) ->> 'item'] END)
$$;
COMMENT ON FUNCTION df._binds(text, text, text) IS 'Internal: the names that a node binds.';

-- Two dollar signs are one that begins no reference.
CREATE OR REPLACE FUNCTION df._names_in(template text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE ROWS 3
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $fn$
SELECT m[1] FROM regexp_matches(replace(template, '$$', ' '), '\$([A-Za-z_][A-Za-z0-9_]*)', 'g') AS m
$fn$;
COMMENT ON FUNCTION df._names_in(text) IS 'Internal: the names that a request, or the template of a parameter, refers to.';

CREATE OR REPLACE FUNCTION df._refers_to(node_type text, query text, params text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE ROWS 3
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type = 'MAP' THEN
        RETURN QUERY SELECT c.name FROM (SELECT df._json_object(query) ->> 'items' AS name) AS c WHERE c.name IS NOT NULL;
        RETURN;
    ELSIF strpos(concat(query, params), '$') = 0 THEN
        RETURN;
    END IF;
    IF node_type = 'SQL' THEN
        RETURN QUERY SELECT unnest((df._asks_for(query)).names);
        RETURN QUERY SELECT n FROM jsonb_array_elements_text(params::jsonb) AS p(template), df._names_in(p.template) AS n;
    ELSIF node_type = 'WAIT_CONDITION' THEN
        RETURN QUERY SELECT unnest((df._asks_for(df._json_object(query) ->> 'query')).names);
    ELSIF node_type = 'WAIT_EVENT' THEN
        RETURN QUERY SELECT df._names_in(df._json_object(query) ->> 'instance_id');
    ELSIF node_type IN ('ACTIVITY', 'APPROVAL') THEN
        config := df._json_object(query);
        RETURN QUERY
        SELECT n FROM (SELECT config ->> 'payload' UNION ALL SELECT config ->> 'title' WHERE node_type = 'APPROVAL'
                       UNION ALL SELECT a #>> '{}' FROM jsonb_path_query(config -> 'assignees', 'strict $[*] ? (@.type() == "string")') AS a) AS p(template),
                      df._names_in(p.template) AS n;
    ELSIF node_type = 'CALL' THEN
        RETURN QUERY SELECT n FROM jsonb_path_query(df._json_object(query) -> 'args', 'strict $.** ? (@.type() == "string")') AS a(template),
                                   df._names_in(a.template #>> '{}') AS n;
    ELSIF node_type = 'WITH_QUEUE' THEN
        RETURN QUERY SELECT df._names_in(df._json_object(query) ->> 'key');
    ELSIF node_type IN ('HTTP', 'HTTP_MULTIPART') THEN
        config := df._json_object(query);
        RETURN QUERY
        SELECT n
        FROM (SELECT config ->> 'url'
              UNION ALL SELECT config ->> 'body'
              UNION ALL SELECT h.value #>> '{}' FROM jsonb_each(CASE WHEN jsonb_typeof(config -> 'headers') = 'object'
                                                                THEN config -> 'headers' END) AS h
                        WHERE jsonb_typeof(h.value) = 'string'
              UNION ALL SELECT f.value #>> '{}' FROM jsonb_each(CASE WHEN jsonb_typeof(config -> 'options' -> 'form_fields') = 'object'
                                                                THEN config -> 'options' -> 'form_fields' END) AS f
                        WHERE jsonb_typeof(f.value) = 'string'
              UNION ALL SELECT member.value
                        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(config -> 'parts') = 'array'
                                                  THEN config -> 'parts' END) AS part(value)
                        CROSS JOIN LATERAL (VALUES (part.value ->> 'name'), (part.value ->> 'filename'),
                                                   (part.value ->> 'data_b64')) AS member(value)
             ) AS t(template), df._names_in(t.template) AS n;
    END IF;
END
$$;
COMMENT ON FUNCTION df._refers_to(text, text, text) IS
    'Internal: the names of results that a node refers to, in requests and parameters, and in the code of its statement.';

CREATE OR REPLACE FUNCTION df._unknown_name(
    paths text[], node_types text[], queries text[], result_names text[], params text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    bound text[] := ARRAY(
        SELECT DISTINCT b FROM unnest(node_types, queries, result_names) AS n(node_type, query, result_name),
            unnest(df._binds(n.node_type, n.query, n.result_name)) AS b WHERE b IS NOT NULL ORDER BY b);
BEGIN
    RETURN (
        SELECT format('%s: no step of this workflow binds the name of $%s. %s', n.path, r.name,
            CASE WHEN cardinality(bound) = 0 THEN 'No step has a name' ELSE concat('There are ', array_to_string(bound, ', ')) END)
        FROM unnest(paths, node_types, queries, params) WITH ORDINALITY AS n(path, node_type, query, params, place),
            df._refers_to(n.node_type, n.query, n.params) AS r(name)
        WHERE r.name <> ALL (bound)
        ORDER BY n.place LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._unknown_name(text[], text[], text[], text[], text[]) IS
    'Internal: the first reference of a graph that no step of it binds, with its place and the names that there are; NULL when there is none.';

-- Looks at a whole graph, node by node. The walk keeps its own stack: a graph may be 256 levels deep and functions that call
-- themselves would use up max_stack_depth. Errors are returned, since df.explain shows them.
CREATE OR REPLACE FUNCTION df._graph(
    root text,
    OUT problem text, OUT node_types text[], OUT queries text[], OUT result_names text[],
    OUT have_left boolean[], OUT have_right boolean[], OUT paths text[], OUT params text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    max_depth CONSTANT integer := 256;
    max_nodes CONSTANT integer := 10000;
    n df._node;
    r record;
    -- Per node, in order of discovery: the texts of its children, until it is visited.
    lefts text[]; rights text[]; conditions text[]; extras text[];
    depths integer[];
    nodes integer := 1;
    stack integer[] := '{1}';
    top integer := 1;
    k integer;
    kind text;
    child text;
    child_path text;
    children text[];
    places text[];
    to_visit integer[];
    config jsonb;
    i integer;
BEGIN
    n := json_populate_record(NULL::df._node, root::json);
    node_types := ARRAY[n.node_type];
    queries := ARRAY[n.query];
    result_names := ARRAY[n.result_name];
    params := ARRAY[n.params];
    have_left := ARRAY[n.left_node IS NOT NULL];
    have_right := ARRAY[n.right_node IS NOT NULL];
    lefts := ARRAY[n.left_node];
    rights := ARRAY[n.right_node];
    conditions := ARRAY[n.condition_node];
    extras := ARRAY[n.extra_nodes];
    paths := ARRAY['root'];
    depths := ARRAY[0];

    WHILE top > 0 LOOP
        k := stack[top];
        top := top - 1;
        kind := node_types[k];
        IF depths[k] > max_depth THEN
            problem := format('%s: Graph exceeds maximum nesting depth of %s. Simplify the workflow or break it into multiple instances.',
                paths[k], max_depth);
            RETURN;
        ELSIF NOT df._known_type(kind) THEN
            problem := format('%s: %s', paths[k], df._unknown_type(kind));
            RETURN;
        ELSIF conditions[k] IS NOT NULL AND kind <> 'IF' AND kind <> 'LOOP' THEN
            problem := format('%s: condition_node is not valid for %s nodes', paths[k], kind);
            RETURN;
        ELSIF extras[k] IS NOT NULL AND kind <> 'JOIN' THEN
            problem := format('%s: extra_nodes is not valid for %s nodes', paths[k], kind);
            RETURN;
        ELSIF params[k] IS NOT NULL AND kind <> 'SQL' THEN
            problem := format('%s: params is not valid for %s nodes', paths[k], kind);
            RETURN;
        END IF;

        config := NULL;
        IF queries[k] IS NOT NULL AND (kind = 'IF' OR kind = 'LOOP' OR kind = 'JOIN') THEN
            BEGIN
                config := queries[k]::jsonb;
                problem := CASE
                    WHEN jsonb_typeof(config) <> 'object' THEN
                        CASE WHEN conditions[k] IS NOT NULL OR extras[k] IS NOT NULL
                             THEN format('query in %s must be a JSON config object', kind) END
                    WHEN kind = 'JOIN' AND config ? 'extra_nodes' THEN
                        'extra_nodes in JOIN must be a first-class Durofut field, not embedded in query'
                    WHEN kind <> 'JOIN' AND config ? 'condition_node' THEN
                        format('condition_node in %s must be a first-class Durofut field, not embedded in query', kind)
                    END;
            EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR numeric_value_out_of_range THEN
                problem := CASE WHEN conditions[k] IS NOT NULL OR extras[k] IS NOT NULL
                                THEN format('query in %s must be valid JSON config: %s', kind, sqlerrm) END;
            END;
        END IF;
        problem := coalesce(problem, df._unstorable(kind, queries[k]), df._config_problem(kind, queries[k]),
            df._waiting_problem(kind, queries[k]), df._event_problem(kind, queries[k]), df._call_problem(kind, queries[k]), df._activity_problem(kind, queries[k]), df._section_problem(kind, queries[k]), df._map_problem(kind, queries[k], have_right[k]), df._undo_problem(kind, queries[k]),
            CASE WHEN params[k] IS NOT NULL THEN df._wrong_params(queries[k], json_array_length(params[k]::json)) END);
        IF problem IS NOT NULL THEN
            problem := format('%s: %s', paths[k], problem);
            RETURN;
        END IF;
        -- The id of the condition, or of the extra branches, will stand in it.
        IF conditions[k] IS NOT NULL OR extras[k] IS NOT NULL THEN
            queries[k] := coalesce(queries[k], '{}');
        END IF;

        -- The children, in order: left, right, condition, extras.
        to_visit := '{}';
        children := '{}';
        places := '{}';
        IF lefts[k] IS NOT NULL THEN
            children := array_append(children, lefts[k]);
            places := array_append(places, '.left');
            lefts[k] := NULL;
        END IF;
        IF rights[k] IS NOT NULL THEN
            children := array_append(children, rights[k]);
            places := array_append(places, '.right');
            rights[k] := NULL;
        END IF;
        IF conditions[k] IS NOT NULL THEN
            children := array_append(children, conditions[k]);
            places := array_append(places, '.condition_node');
        END IF;
        IF extras[k] IS NOT NULL THEN
            SELECT array_cat(children, array_agg(e.value::text ORDER BY e.ordinality)),
                   array_cat(places, array_agg(format('.extra_nodes[%s]', e.ordinality - 1) ORDER BY e.ordinality))
            INTO children, places
            FROM json_array_elements(extras[k]::json) WITH ORDINALITY AS e;
        END IF;

        FOR i IN 1 .. cardinality(children) LOOP
            child := children[i];
            child_path := concat(paths[k], places[i]);
            r := df._read_node(child);
            IF r.canonical IS NULL THEN
                problem := format('%s: failed to deserialize Durofut child: %s', child_path,
                    coalesce(r.problem, 'not a JSON object'));
                RETURN;
            END IF;
            n := json_populate_record(NULL::df._node, r.canonical::json);
            nodes := nodes + 1;
            IF nodes > max_nodes THEN
                problem := format('%s: Workflow exceeds maximum node count of %s. Simplify the workflow or break it into multiple instances.',
                    child_path, max_nodes);
                RETURN;
            END IF;
            node_types[nodes] := n.node_type;
            queries[nodes] := n.query;
            result_names[nodes] := n.result_name;
            params[nodes] := n.params;
            paths[nodes] := child_path;
            have_left[nodes] := n.left_node IS NOT NULL;
            have_right[nodes] := n.right_node IS NOT NULL;
            -- Nothing is wrong with such a leaf, and nothing below it: most nodes are not visited.
            CONTINUE WHEN n.node_type = 'SQL' AND n.left_node IS NULL AND n.right_node IS NULL
                AND n.condition_node IS NULL AND n.extra_nodes IS NULL AND n.params IS NULL AND depths[k] < max_depth;
            lefts[nodes] := n.left_node;
            rights[nodes] := n.right_node;
            conditions[nodes] := n.condition_node;
            extras[nodes] := n.extra_nodes;
            depths[nodes] := depths[k] + 1;
            to_visit := to_visit || nodes;
        END LOOP;

        -- Visited next: the children, the leftmost first.
        FOR i IN REVERSE cardinality(to_visit) .. 1 LOOP
            top := top + 1;
            stack[top] := to_visit[i];
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._graph(text) IS
    'Internal: the problem of the graph of a node text; and its nodes, for the checks when rows are inserted.';

CREATE OR REPLACE FUNCTION df._check_graph(root text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $fn$
DECLARE
    graph record := df._graph(root);
    unknown text;
    misplaced text;
BEGIN
    IF graph.problem IS NOT NULL THEN
        RAISE EXCEPTION 'Invalid durable function graph: %', graph.problem USING ERRCODE = 'internal_error';
    END IF;
    IF strpos(root, '"SAGA"') > 0 OR strpos(root, '"WITH_UNDO"') > 0 THEN
        misplaced := df._saga_problem(graph.paths, graph.node_types);
        IF misplaced IS NOT NULL THEN
            RAISE EXCEPTION 'Invalid durable function graph: %', misplaced USING ERRCODE = 'internal_error';
        END IF;
    END IF;
    IF strpos(root, '"WITH_QUEUE"') > 0 THEN
        misplaced := df._nested_section(graph.paths, graph.node_types, graph.queries);
        IF misplaced IS NOT NULL THEN
            RAISE EXCEPTION 'Invalid durable function graph: %', misplaced USING ERRCODE = 'internal_error';
        END IF;
    END IF;
    PERFORM df._check_definition(n.node_type, n.query, n.result_name, n.has_left, n.has_right)
    FROM unnest(graph.node_types, graph.queries, graph.result_names, graph.have_left, graph.have_right)
        AS n(node_type, query, result_name, has_left, has_right);
    PERFORM df._check_size('nodes', 'nodes_params_size_chk', 'params', octet_length(p), 1048576) FROM unnest(graph.params) AS p;
    IF (strpos(root, '$') > 0 OR strpos(root, '"MAP"') > 0) AND lower(df._setting('unknown_names', 'refuse')) <> 'ignore' THEN
        unknown := df._unknown_name(graph.paths, graph.node_types, graph.queries, graph.result_names, graph.params);
        IF unknown IS NOT NULL THEN
            RAISE EXCEPTION 'Invalid durable function graph: %', unknown
                USING ERRCODE = 'internal_error',
                      HINT = 'In a request $$ is a dollar sign. Workflows that were written before this was checked run with the row unknown_names = ignore in df.settings.';
        END IF;
    END IF;
END
$fn$;
COMMENT ON FUNCTION df._check_graph(text) IS 'Internal: raises the problem of a graph, in the words of df.start.';

-- The nodes of a graph, which the view df.nodes shows. The k-th node, parents before children and the left before the right,
-- has the root's id plus k * 2654435761, modulo 2^32: random to look at, and all different without a search
-- (dev.perdure.graph.GraphDocument does the same). Whatever somebody has written into df.instances.graph by hand, it ends
-- well: what is no node has no row.
CREATE OR REPLACE FUNCTION df._definition(root_node text, graph text) RETURNS TABLE (
    node_position integer, id text, node_type text, query text, result_name text, left_node text, right_node text,
    params jsonb)
LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    max_nodes CONSTANT integer := 10000;
    below CONSTANT text[] := '{left_node,right_node,condition_node,extra_nodes}';
    seed bigint;
    node jsonb;
    stack jsonb[];
    parents integer[] := '{0}';
    slots integer[] := '{0}';
    top integer := 1;
    nodes integer := 0;
    -- Of each position the node without what is below it, and the positions of its children. An array that had nothing at 1 would begin
    -- where it gets something first.
    documents jsonb[];
    lefts integer[] := ARRAY[NULL::integer];
    rights integer[] := ARRAY[NULL::integer];
    conditions integer[] := ARRAY[NULL::integer];
    extras text[] := ARRAY[NULL::text];
    ids text[];
    configs text[] := ARRAY[NULL::text];
    branches jsonb[];
    i integer;
BEGIN
    stack := ARRAY[graph::jsonb];
    seed := ('x' || root_node)::bit(32)::bigint;
    WHILE top > 0 AND nodes < max_nodes LOOP
        node := stack[top];
        top := top - 1;
        CONTINUE WHEN jsonb_typeof(node) <> 'object';
        nodes := nodes + 1;
        i := parents[top + 1];
        CASE slots[top + 1]
        WHEN 0 THEN NULL;
        WHEN 1 THEN lefts[i] := nodes;
        WHEN 2 THEN rights[i] := nodes;
        WHEN 3 THEN conditions[i] := nodes;
        ELSE extras[i] := concat(extras[i] || ',', nodes);
        END CASE;
        -- Most have nothing below.
        IF NOT node ?| below THEN
            documents[nodes] := node;
            CONTINUE;
        END IF;
        documents[nodes] := node - below;
        -- The leftmost is to be on top.
        IF node ? 'extra_nodes' AND jsonb_typeof(node -> 'extra_nodes') = 'array' THEN
            branches := ARRAY(SELECT jsonb_array_elements(node -> 'extra_nodes'));
            FOR i IN REVERSE cardinality(branches) .. 1 LOOP
                top := top + 1;
                stack[top] := branches[i];
                parents[top] := nodes;
                slots[top] := 4;
            END LOOP;
        END IF;
        IF node ? 'condition_node' THEN
            top := top + 1;
            stack[top] := node -> 'condition_node';
            parents[top] := nodes;
            slots[top] := 3;
        END IF;
        IF node ? 'right_node' THEN
            top := top + 1;
            stack[top] := node -> 'right_node';
            parents[top] := nodes;
            slots[top] := 2;
        END IF;
        IF node ? 'left_node' THEN
            top := top + 1;
            stack[top] := node -> 'left_node';
            parents[top] := nodes;
            slots[top] := 1;
        END IF;
    END LOOP;
    ids := ARRAY(SELECT lpad(to_hex((seed + k * 2654435761) & 4294967295), 8, '0') FROM generate_series(0, nodes - 1) AS k ORDER BY k);
    -- The ids of children that have no column stand in the configuration.
    FOR i IN 1 .. coalesce(array_upper(conditions, 1), 0) LOOP
        IF conditions[i] IS NOT NULL THEN
            configs[i] := df._compact(coalesce(df._json_object(documents[i] ->> 'query'), '{}')
                || jsonb_build_object('condition_node', ids[conditions[i]]));
        END IF;
    END LOOP;
    FOR i IN 1 .. coalesce(array_upper(extras, 1), 0) LOOP
        IF extras[i] IS NOT NULL THEN
            configs[i] := df._compact(coalesce(df._json_object(coalesce(configs[i], documents[i] ->> 'query')), '{}')
                || jsonb_build_object('extra_nodes',
                    ARRAY(SELECT ids[x.at] FROM unnest(string_to_array(extras[i], ',')::integer[]) WITH ORDINALITY AS x(at, turn) ORDER BY x.turn)));
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT n.position::integer, ids[n.position], n.document ->> 'node_type', coalesce(n.config, n.document ->> 'query'), n.document ->> 'result_name',
           ids[n.left_at], ids[n.right_at], nullif(n.document -> 'params', 'null')
    FROM unnest(documents, configs, lefts, rights) WITH ORDINALITY AS n(document, config, left_at, right_at, position)
    WHERE n.position <= nodes;
EXCEPTION WHEN data_exception OR statement_too_complex THEN
    -- No JSON.
    RETURN;
END
$$;
COMMENT ON FUNCTION df._definition(text, text) IS 'Internal: the nodes of a graph, parents before children.';

-- Text that no text of PostgreSQL can hold is refused when a node is built, at any place of any node below it: what is built
-- can be started.
CREATE OR REPLACE FUNCTION df._refuse_unstorable(node text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    document jsonb;
    problem text;
BEGIN
    BEGIN
        document := node::jsonb;
    EXCEPTION
        WHEN untranslatable_character THEN
            problem := 'a string in it holds \u0000, which no text of PostgreSQL can hold';
        WHEN invalid_text_representation THEN
            problem := 'a string in it holds an escape that means no character';
    END;
    IF problem IS NULL THEN
        SELECT df._unstorable(d.node_type, d.query) INTO problem FROM df._definition('00000000', node) AS d
        WHERE df._unstorable(d.node_type, d.query) IS NOT NULL LIMIT 1;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'Invalid Durofut JSON: failed to deserialize workflow step: %', problem USING ERRCODE = 'internal_error';
    END IF;
END
$$;
COMMENT ON FUNCTION df._refuse_unstorable(text) IS 'Internal: raises an error when a node, or one below it, holds text that PostgreSQL cannot.';
