-- Builders and operators of the workflow language (specification 1).
--
-- A workflow is text: the JSON of one node, whose children are nested complete nodes. Children are kept verbatim, so
-- everything here is done on json and text; jsonb would reorder members.
--
-- Builders run once per node of every df.start, so those on the hot path have no SET clause (it costs more than the
-- work itself). They qualify every function and every operator instead: what they do does not depend on the caller's
-- search_path. NULL rules and volatility are those of the specification.

-- The members of a node, in the order in which they are printed. All are text on purpose: what the JSON type of a
-- member was is found out by printing the node again and comparing (df._as_node).
DO $$
BEGIN
    IF to_regtype('df._node') IS NULL THEN
        CREATE TYPE df._node AS (
            node_type      text,
            left_node      text,
            right_node     text,
            condition_node text,
            extra_nodes    text,
            query          text,
            params         text,
            result_name    text
        );
    END IF;
END
$$;
COMMENT ON TYPE df._node IS 'Internal: the members of a node''s JSON.';

CREATE OR REPLACE FUNCTION df._known_type(node_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
SELECT node_type OPERATOR(pg_catalog.=) ANY (ARRAY['SQL', 'THEN', 'IF', 'JOIN', 'LOOP', 'BREAK', 'RACE', 'SLEEP',
    'WAIT_SCHEDULE', 'HTTP', 'HTTP_MULTIPART', 'SIGNAL', 'RETRY', 'CATCH', 'TIMEOUT', 'MAP', 'WAIT_CONDITION', 'WAIT_EVENT', 'SAGA', 'WITH_UNDO', 'CALL', 'ACTIVITY', 'APPROVAL', 'WITH_QUEUE'])
$$;
COMMENT ON FUNCTION df._known_type(text) IS 'Internal: whether this is one of the node types.';

CREATE OR REPLACE FUNCTION df._unknown_type(node_type text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
SELECT pg_catalog.format('Unknown node_type ''%s''. Valid types: SQL, THEN, IF, JOIN, LOOP, BREAK, RACE, SLEEP, WAIT_SCHEDULE, HTTP, HTTP_MULTIPART, SIGNAL, RETRY, CATCH, TIMEOUT, MAP, WAIT_CONDITION, WAIT_EVENT, SAGA, WITH_UNDO, CALL, ACTIVITY, APPROVAL, WITH_QUEUE',
    node_type)
$$;
COMMENT ON FUNCTION df._unknown_type(text) IS 'Internal: the error text for an unknown node type.';

-- Helpers such as df.setvar leave a marker for the rest of their statement; a builder that is then given plain text
-- was probably given the helper's result (specification 1.3, step 1). df._refuse_helper is called only when a marker
-- is set.
--
-- In PL/pgSQL: a function in SQL is parsed and planned in each statement that calls it, a tenth of a millisecond.
CREATE OR REPLACE FUNCTION df._statement_micros() RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN ((extract(epoch FROM statement_timestamp()) - 946684800) * 1000000)::bigint;
END
$$;
COMMENT ON FUNCTION df._statement_micros() IS
    'Internal: start of the current statement in microseconds since 2000-01-01 UTC. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._mark_helper(helper text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing text := set_config('df.non_future_helper', concat(helper, E'\n', df._statement_micros()), true);
BEGIN
END
$$;
COMMENT ON FUNCTION df._mark_helper(text) IS
    'Internal: remembers for this statement that a function was called whose result is no workflow step. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._misused_helper() RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    marker text := current_setting('df.non_future_helper', true);
BEGIN
    IF split_part(marker, E'\n', 2) = df._statement_micros() THEN
        RETURN format('%1$s cannot be used as a workflow step. Call %1$s before df.start().', split_part(marker, E'\n', 1));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._misused_helper() IS
    'Internal: the error text when a helper was called in this statement, otherwise NULL. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._refuse_helper() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    problem text := df._misused_helper();
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = problem, ERRCODE = 'internal_error';
    END IF;
END
$$;
COMMENT ON FUNCTION df._refuse_helper() IS 'Internal: raises an error when a helper was called in this statement.';

-- To look at one member decodes them all: so what cannot be decoded is left out first.
CREATE OR REPLACE FUNCTION df._type_of_unstorable(node text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    readable json;
BEGIN
    readable := regexp_replace(node, '(\\[^u])|\\u[0-9a-fA-F]{4}', '\1', 'g');
    RETURN CASE WHEN json_typeof(readable) = 'object' AND json_typeof(readable -> 'node_type') = 'string'
                THEN readable ->> 'node_type' END;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._type_of_unstorable(text) IS
    'Internal: the node_type of a JSON object some other string of which no text can hold; NULL when it is none.';

CREATE OR REPLACE FUNCTION df._are_params(params json) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
SELECT pg_catalog.json_typeof(params) OPERATOR(pg_catalog.=) 'array' AND NOT EXISTS (
    SELECT FROM pg_catalog.json_array_elements(
        CASE WHEN pg_catalog.json_typeof(params) OPERATOR(pg_catalog.=) 'array' THEN params END) AS e(value)
    WHERE pg_catalog.json_typeof(e.value) OPERATOR(pg_catalog.<>) 'string')
$$;
COMMENT ON FUNCTION df._are_params(json) IS 'Internal: whether this is an array of strings, the templates of parameters.';

-- Reads a node member by member. Slow and exact; df._as_node and df._parse_root come here only with text that is not
-- printed the way builders print it.
CREATE OR REPLACE FUNCTION df._read_node(
    node text, OUT canonical text, OUT node_type text, OUT problem text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    member record;
    kind text;
    seen text[] := '{}';
    n df._node;
    bad boolean;
    type_missing boolean := true;
BEGIN
    BEGIN
        IF json_typeof(node::json) <> 'object' THEN
            RETURN;
        END IF;
        FOR member IN SELECT key, value, json_typeof(value) AS kind, value #>> '{}' AS content
                      FROM json_each(node::json) LOOP
            CONTINUE WHEN member.key NOT IN ('node_type', 'left_node', 'right_node', 'condition_node', 'extra_nodes',
                                             'query', 'params', 'result_name');
            IF member.key = 'node_type' THEN
                node_type := CASE WHEN member.kind = 'string' THEN member.content END;
                type_missing := false;
            END IF;
            IF member.key = ANY (seen) THEN
                problem := coalesce(problem, format('duplicate field `%s`', member.key));
                CONTINUE;
            END IF;
            seen := seen || member.key;
            kind := CASE member.kind WHEN 'array' THEN 'sequence' WHEN 'object' THEN 'map' ELSE member.kind END;

            CASE member.key
            WHEN 'node_type' THEN
                n.node_type := node_type;
            WHEN 'query', 'result_name' THEN
                IF member.kind NOT IN ('string', 'null') THEN
                    problem := coalesce(problem,
                        format('%s: invalid type: %s, expected a string', member.key, kind));
                ELSIF member.key = 'query' THEN
                    n.query := member.content;
                ELSE
                    n.result_name := member.content;
                END IF;
            WHEN 'params' THEN
                IF member.kind = 'null' THEN
                    n.params := NULL;
                ELSIF df._are_params(member.value) THEN
                    n.params := array_to_json(ARRAY(SELECT json_array_elements_text(member.value)));
                ELSE
                    problem := coalesce(problem, 'params must be an array of strings');
                END IF;
            WHEN 'extra_nodes' THEN
                IF member.kind <> 'array' THEN
                    problem := coalesce(problem, format('extra_nodes: invalid type: %s, expected a sequence', kind));
                ELSE
                    SELECT string_agg(e.value::text, ',' ORDER BY e.ordinality), bool_or(json_typeof(e.value) <> 'object')
                    INTO n.extra_nodes, bad
                    FROM json_array_elements(member.value) WITH ORDINALITY AS e;
                    IF bad THEN
                        problem := coalesce(problem, 'extra_nodes entries must be Durofut JSON objects');
                    END IF;
                    n.extra_nodes := '[' || n.extra_nodes || ']';
                END IF;
            ELSE
                IF member.kind = 'object' THEN
                    CASE member.key
                    WHEN 'left_node' THEN n.left_node := member.value;
                    WHEN 'right_node' THEN n.right_node := member.value;
                    ELSE n.condition_node := member.value;
                    END CASE;
                ELSIF member.kind <> 'null' THEN
                    problem := coalesce(problem, CASE member.key
                        WHEN 'condition_node' THEN 'condition_node must be a Durofut JSON object'
                        ELSE 'Durofut children must be JSON objects' END);
                END IF;
            END CASE;
        END LOOP;
    EXCEPTION
        WHEN untranslatable_character THEN
            canonical := NULL;
            node_type := df._type_of_unstorable(node);
            problem := 'a string in it holds \u0000, which no text of PostgreSQL can hold';
            RETURN;
        WHEN invalid_text_representation THEN
            -- Not JSON, or an escape in it that means no character.
            canonical := NULL;
            node_type := df._type_of_unstorable(node);
            problem := CASE WHEN node_type IS NOT NULL THEN 'a string in it holds an escape that means no character' END;
            RETURN;
    END;

    IF node_type IS NULL THEN
        problem := coalesce(problem, CASE WHEN type_missing THEN 'missing field `node_type`'
                                          ELSE 'node_type: invalid type, expected a string' END);
    END IF;
    IF problem IS NULL THEN
        canonical := df._print_node(n);
    END IF;
END
$$;
COMMENT ON FUNCTION df._read_node(text) IS
    'Internal: a node as builders print it. All NULL: no JSON object. A problem with a node_type: a malformed node.';

CREATE OR REPLACE FUNCTION df._print_node(n df._node) RETURNS text
LANGUAGE sql STABLE
AS $$
SELECT pg_catalog.concat('{"node_type":', pg_catalog.to_json(n.node_type),
    CASE WHEN n.left_node IS NOT NULL THEN pg_catalog.concat(',"left_node":', n.left_node) END,
    CASE WHEN n.right_node IS NOT NULL THEN pg_catalog.concat(',"right_node":', n.right_node) END,
    CASE WHEN n.condition_node IS NOT NULL THEN pg_catalog.concat(',"condition_node":', n.condition_node) END,
    CASE WHEN n.extra_nodes IS NOT NULL THEN pg_catalog.concat(',"extra_nodes":', n.extra_nodes) END,
    CASE WHEN n.query IS NOT NULL THEN pg_catalog.concat(',"query":', pg_catalog.to_json(n.query)) END,
    CASE WHEN n.params IS NOT NULL THEN pg_catalog.concat(',"params":', n.params) END,
    CASE WHEN n.result_name IS NOT NULL THEN pg_catalog.concat(',"result_name":', pg_catalog.to_json(n.result_name)) END,
    '}')
$$;
COMMENT ON FUNCTION df._print_node(df._node) IS 'Internal: the JSON of a node, compact, members in order.';

-- The auto-wrap rule (specification 1.3). The quick way for nodes: take the members as text, print the node again, and
-- when that gives back the input character by character then there was no duplicate, unknown, null or mistyped member
-- in it, apart from a child that is no object, which its first character tells.
CREATE OR REPLACE FUNCTION df._as_node(fut text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    n df._node;
    r record;
BEGIN
    IF pg_catalog.left(fut, 1) OPERATOR(pg_catalog.<>) '{'
        AND pg_catalog.left(pg_catalog.ltrim(fut, E' \t\n\r\f\v'), 1) OPERATOR(pg_catalog.<>) '{'
        OR fut OPERATOR(pg_catalog.=) ''
    THEN
        IF pg_catalog.current_setting('df.non_future_helper', true) OPERATOR(pg_catalog.<>) '' THEN
            PERFORM df._refuse_helper();
        END IF;
        RETURN pg_catalog.concat('{"node_type":"SQL","query":', pg_catalog.to_json(fut), '}');
    END IF;

    BEGIN
        n := pg_catalog.json_populate_record(NULL::df._node, fut::pg_catalog.json);
    EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
        n := NULL;
    END;
    IF n.extra_nodes IS NULL
        AND (CASE WHEN n.params IS NULL THEN true
                 WHEN df._print_node(n) OPERATOR(pg_catalog.=) fut THEN df._are_params(n.params::pg_catalog.json)
                 ELSE false END)
        AND df._known_type(n.node_type)
        AND (n.left_node IS NULL OR pg_catalog.left(n.left_node, 1) OPERATOR(pg_catalog.=) '{')
        AND (n.right_node IS NULL OR pg_catalog.left(n.right_node, 1) OPERATOR(pg_catalog.=) '{')
        AND (n.condition_node IS NULL OR pg_catalog.left(n.condition_node, 1) OPERATOR(pg_catalog.=) '{')
        AND df._print_node(n) OPERATOR(pg_catalog.=) fut
    THEN
        IF pg_catalog.strpos(fut, E'\\u') OPERATOR(pg_catalog.>) 0 THEN
            PERFORM df._refuse_unstorable(fut);
        END IF;
        RETURN fut;
    END IF;

    SELECT * INTO r FROM df._read_node(fut);
    IF r.problem IS NOT NULL AND r.node_type IS NOT NULL THEN
        RAISE EXCEPTION 'Invalid Durofut JSON: failed to deserialize workflow step: %', r.problem
            USING ERRCODE = 'internal_error';
    ELSIF r.canonical IS NOT NULL AND df._known_type(r.node_type) THEN
        IF pg_catalog.strpos(fut, E'\\u') OPERATOR(pg_catalog.>) 0 THEN
            PERFORM df._refuse_unstorable(r.canonical);
        END IF;
        RETURN r.canonical;
    END IF;
    RETURN pg_catalog.concat('{"node_type":"SQL","query":', pg_catalog.to_json(fut), '}');
END
$$;
COMMENT ON FUNCTION df._as_node(text) IS
    'Internal: the node that a text given to a builder means; text that is no node becomes an SQL node.';

CREATE OR REPLACE FUNCTION df._require(argument integer, name text, present boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF NOT present THEN
        RAISE EXCEPTION 'argument % must not be null: %', argument, name USING ERRCODE = 'null_value_not_allowed';
    END IF;
END
$$;
COMMENT ON FUNCTION df._require(integer, text, boolean) IS 'Internal: raises an error when a required argument is NULL.';

-- jsonb prints a blank after each comma and colon; none is inside a string that the first alternative does not eat.
CREATE OR REPLACE FUNCTION df._compact(document jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT regexp_replace(document::text, '("(?:[^"\\]|\\.)*")|([,:]) ', '\1\2', 'g')
$$;
COMMENT ON FUNCTION df._compact(jsonb) IS 'Internal: JSON text without blanks between tokens.';

CREATE OR REPLACE FUNCTION df._json_object(document text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
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

---------------------------------------------------------------------------------------------------------------------
-- Builders
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.sql(query text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"SQL","query":', pg_catalog.to_json(query), '}');
END
$$;
COMMENT ON FUNCTION df.sql(text) IS 'A step that runs one SQL statement.';

-- What a text of SQL refers to outside of literals, comments and quoted identifiers; dev.perdure.flow.template.SqlLexer reads the
-- same. The text is cut once, at all that can begin or end anything; then follows one pass over the parts.
CREATE OR REPLACE FUNCTION df._asks_for(query text, OUT names text[], OUT numbers integer[])
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    parts text[];
    part text;
    following text;
    -- What the present part belongs to: code, a literal, one with escapes, an identifier in quotes, a comment, a dollar-quoted body.
    mode text := 'code';
    depth integer := 0;
    tag text;
    in_word boolean := false;
    after_e boolean := false;
    k integer := 0;
BEGIN
    names := '{}';
    numbers := '{}';
    IF strpos(query, '$') = 0 THEN
        RETURN;
    ELSIF query !~ '[''"]|--|/\*|\$[^0-9]' THEN
        -- Nothing but code, and no names in it.
        numbers := ARRAY(SELECT left(m[1], 9)::integer
                         FROM regexp_matches(query, '(?:^|[^A-Za-z0-9_\u0080-\U0010FFFF])\$([0-9]+)', 'g') AS m);
        RETURN;
    END IF;
    parts := ARRAY(SELECT m[1] FROM regexp_matches(query, '([A-Za-z0-9_\u0080-\U0010FFFF]+|--|/\*|\*/|.)', 'g') AS m);
    WHILE k < cardinality(parts) LOOP
        k := k + 1;
        part := parts[k];
        CASE mode
        WHEN 'literal' THEN
            IF part = '''' THEN
                mode := 'code';
            END IF;
        WHEN 'escapes' THEN
            IF part = '\' THEN
                -- What follows may be the beginning of a longer part, which is no quote then.
                k := k + 1;
            ELSIF part = '''' AND parts[k + 1] = '''' THEN
                k := k + 1;
            ELSIF part = '''' THEN
                mode := 'code';
            END IF;
        WHEN 'identifier' THEN
            IF part = '"' THEN
                mode := 'code';
            END IF;
        WHEN 'line' THEN
            IF part IN (E'\n', E'\r') THEN
                mode := 'code';
            END IF;
        WHEN 'block' THEN
            depth := depth + CASE part WHEN '/*' THEN 1 WHEN '*/' THEN -1 ELSE 0 END;
            IF depth = 0 THEN
                mode := 'code';
            END IF;
        WHEN 'body' THEN
            IF part = '$' AND (tag = '' AND parts[k + 1] = '$' OR parts[k + 1] = tag AND parts[k + 2] = '$') THEN
                k := k + CASE WHEN tag = '' THEN 1 ELSE 2 END;
                mode := 'code';
            END IF;
        ELSE
            following := parts[k + 1];
            IF part = '$' AND in_word THEN
                -- A dollar sign belongs to an identifier.
                CONTINUE;
            ELSIF part = '$' AND following = '$' THEN
                mode := 'body';
                tag := '';
                k := k + 1;
            ELSIF part = '$' AND following ~ '^[0-9]' THEN
                numbers := array_append(numbers, left(substring(following FROM '^[0-9]+'), 9)::integer);
                k := k + 1;
            ELSIF part = '$' AND following ~ '^[A-Za-z_\u0080-\U0010FFFF]' THEN
                k := k + 1;
                IF parts[k + 1] = '$' THEN
                    mode := 'body';
                    tag := following;
                    k := k + 1;
                ELSIF following ~ '^[A-Za-z_]' THEN
                    names := array_append(names, substring(following FROM '^[A-Za-z0-9_]+'));
                END IF;
            ELSIF part = '''' THEN
                mode := CASE WHEN after_e THEN 'escapes' ELSE 'literal' END;
            ELSIF part = '"' THEN
                mode := 'identifier';
            ELSIF part = '--' THEN
                mode := 'line';
            ELSIF part = '/*' THEN
                mode := 'block';
                depth := 1;
            END IF;
            after_e := part IN ('E', 'e') AND NOT in_word;
            in_word := part ~ '^[A-Za-z_\u0080-\U0010FFFF]' OR in_word AND part ~ '^[0-9]';
        END CASE;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._asks_for(text) IS
    'Internal: the names of results ($name) and the numbers of parameters ($1) that a statement refers to in its code.';

-- What variables bring is not known here.
CREATE OR REPLACE FUNCTION df._wrong_params(query text, given integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    used integer[];
    wrong integer;
BEGIN
    IF given > 65535 THEN
        RETURN format('%s parameters are given, at most 65535 can be sent', given);
    END IF;
    used := (df._asks_for(query)).numbers;
    wrong := (SELECT max(n) FROM unnest(used) AS n WHERE n > given OR n = 0);
    IF wrong IS NOT NULL THEN
        RETURN format('the statement uses $%s, but %s given', wrong,
            CASE given WHEN 1 THEN '1 parameter is' ELSE concat(given, ' parameters are') END);
    END IF;
    wrong := CASE WHEN query !~ '\{[A-Za-z_]' THEN
        (SELECT min(n) FROM generate_series(1, given) AS n WHERE n <> ALL (used)) END;
    RETURN CASE WHEN wrong IS NOT NULL
        THEN format('parameter %1$s is not used: there is no $%1$s in the statement', wrong) END;
END
$$;
COMMENT ON FUNCTION df._wrong_params(text, integer) IS
    'Internal: the difference between the parameters that a statement uses and the given ones; NULL for none.';

CREATE OR REPLACE FUNCTION df.sql(query text, VARIADIC params text[]) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    problem text;
BEGIN
    IF query IS NULL OR coalesce(cardinality(params), 0) = 0 THEN
        RETURN df.sql(query);
    ELSIF array_ndims(params) > 1 THEN
        RAISE EXCEPTION 'df.sql: params must be a list, not an array of arrays' USING ERRCODE = 'invalid_parameter_value';
    ELSIF array_position(params, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'df.sql: parameter % must not be null', array_position(params, NULL) - array_lower(params, 1) + 1
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'A parameter is the template of a value, such as ''$order.id''. Write NULL into the statement.';
    END IF;
    problem := df._wrong_params(query, cardinality(params));
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.sql: %', problem USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN concat('{"node_type":"SQL","query":', to_json(query), ',"params":', array_to_json(params), '}');
END
$$;
COMMENT ON FUNCTION df.sql(text, text[]) IS
    'A step that runs one SQL statement with values bound to $1, $2 and so on. A parameter is a template; one that is a single reference, such as $order.id, keeps the type of its value.';

CREATE OR REPLACE FUNCTION df.seq(a text, b text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"THEN","left_node":', df._as_node(a), ',"right_node":', df._as_node(b), '}');
END
$$;
COMMENT ON FUNCTION df.seq(text, text) IS 'Runs a, then b. Operator: a ~> b.';

CREATE OR REPLACE FUNCTION df."as"(fut text, name text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
DECLARE
    node text := df._as_node(fut);
BEGIN
    IF name OPERATOR(pg_catalog.=) '' THEN
        RAISE EXCEPTION 'df.as: result name cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF name OPERATOR(pg_catalog.!~) '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        RAISE EXCEPTION 'df.as: result name ''%'' is not a valid identifier — must match [a-zA-Z_][a-zA-Z0-9_]*', name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The name is the last member, so an earlier one is at the very end; inside a string its quotes would be escaped.
    IF pg_catalog.strpos(node, '"result_name"') OPERATOR(pg_catalog.>) 0 THEN
        node := pg_catalog.regexp_replace(node, E',"result_name":"(?:[^"\\\\]|\\\\.)*"}$', '}');
    END IF;
    RETURN pg_catalog.concat(pg_catalog.left(node, -1), ',"result_name":"', name, '"}');
END
$$;
COMMENT ON FUNCTION df."as"(text, text) IS 'Names the result of a step, for $name in later steps. Operator: fut |=> name.';

CREATE OR REPLACE FUNCTION df.sleep(seconds bigint) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    IF seconds OPERATOR(pg_catalog.<) 0::pg_catalog.int8 THEN
        RAISE EXCEPTION 'Sleep duration must be non-negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN pg_catalog.concat('{"node_type":"SLEEP","query":"', seconds, '"}');
END
$$;
COMMENT ON FUNCTION df.sleep(bigint) IS 'Waits for a number of seconds. The timer is durable.';

-- An interval in whole seconds: a part of one counts as one, so that nothing waits for less.
CREATE OR REPLACE FUNCTION df._whole_seconds(builder text, duration interval) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    seconds double precision := ceil(extract(epoch FROM duration));
BEGIN
    -- What an infinite interval (PostgreSQL 17) has is more than any limit.
    IF seconds < 0 OR seconds > 1000000000000 THEN
        RAISE EXCEPTION '%: the interval must be between 0 and 30000 years, not %', builder, duration USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN seconds;
END
$$;
COMMENT ON FUNCTION df._whole_seconds(text, interval) IS 'Internal: an interval in seconds, rounded up.';

CREATE OR REPLACE FUNCTION df.sleep(duration interval) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN df.sleep(df._whole_seconds('df.sleep', duration));
END
$$;
COMMENT ON FUNCTION df.sleep(interval) IS 'Waits for an interval, in whole seconds. The timer is durable.';

-- Double precision, which is the preferred type of numbers: with numeric, df.sleep(5) would be ambiguous.
CREATE OR REPLACE FUNCTION df.sleep(seconds double precision) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    IF seconds OPERATOR(pg_catalog.>) 1000000000000::pg_catalog.float8 THEN
        RAISE EXCEPTION 'df.sleep: the interval must be between 0 and 30000 years, not % seconds', seconds USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN df.sleep(CASE WHEN seconds OPERATOR(pg_catalog.<) 0::pg_catalog.float8 THEN -1::pg_catalog.int8
                         ELSE pg_catalog.ceil(seconds)::pg_catalog.int8 END);
END
$$;
COMMENT ON FUNCTION df.sleep(double precision) IS 'Waits for a number of seconds; a part of one counts as one. The timer is durable.';

-- A literal without a type, which all of the above would take, means this one.
CREATE OR REPLACE FUNCTION df.sleep(duration text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    IF duration OPERATOR(pg_catalog.~) '^[[:space:]]*[+-]?[0-9]+[[:space:]]*$' THEN
        RETURN df.sleep(duration::pg_catalog.int8);
    END IF;
    RETURN df.sleep(duration::pg_catalog.interval);
END
$$;
COMMENT ON FUNCTION df.sleep(text) IS 'Waits for a number of seconds (''90'') or an interval (''15 minutes''). The timer is durable.';

CREATE OR REPLACE FUNCTION df._cron_field(field text, low integer, high integer, names text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    item text;
    part text[];
    first integer;
    last integer;
BEGIN
    FOREACH item IN ARRAY string_to_array(lower(field COLLATE "C"), ',') LOOP
        part := regexp_match(item, '^(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,3}))?$');
        IF part IS NULL OR part[4]::integer = 0 THEN
            RETURN false;
        END IF;
        CONTINUE WHEN part[1] IS NOT NULL;
        -- The names stand for low, low + 1, and so on. What is neither a number nor a name becomes NULL.
        first := CASE WHEN part[2] ~ '^[0-9]' THEN part[2]::integer ELSE array_position(names, part[2]) - 1 + low END;
        last := CASE WHEN part[3] IS NULL THEN first
                     WHEN part[3] ~ '^[0-9]' THEN part[3]::integer
                     ELSE array_position(names, part[3]) - 1 + low END;
        IF (first >= low AND last <= high AND first <= last) IS NOT TRUE THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION df._cron_field(text, integer, integer, text[]) IS
    'Internal: whether a field of a cron expression is a list of values, ascending ranges and steps within bounds.';

CREATE OR REPLACE FUNCTION df._valid_cron(cron_expr text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    expression text := btrim(cron_expr, E' \t\n\r');
    field text[];
BEGIN
    IF lower(expression COLLATE "C") IN ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly') THEN
        RETURN true;
    END IF;
    field := regexp_split_to_array(expression, '[ \t\n\r]+');
    RETURN cardinality(field) = 5
        AND df._cron_field(field[1], 0, 59, '{}')
        AND df._cron_field(field[2], 0, 23, '{}')
        AND df._cron_field(field[3], 1, 31, '{}')
        AND df._cron_field(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
        AND df._cron_field(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
END
$$;
COMMENT ON FUNCTION df._valid_cron(text) IS
    'Internal: whether this is a cron expression in the five-field Unix form. dev.perdure.flow.cron accepts the same.';

-- The TimeZone setting knows names in any case and gives back the proper one, at the price of one file. It accepts
-- POSIX rules too (FOO3), which are no names: what could be one is looked up in the view, which reads all files.
CREATE OR REPLACE FUNCTION df._timezone(name text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET "TimeZone" = 'UTC'
AS $$
DECLARE
    proper text;
BEGIN
    BEGIN
        PERFORM set_config('TimeZone', name, true);
    EXCEPTION WHEN invalid_parameter_value THEN
        RETURN NULL;
    END;
    proper := current_setting('TimeZone');
    IF proper ~ '^[A-Za-z_]+(/[A-Za-z_]+)+$' AND proper !~ '^(posix|right)/' THEN
        RETURN proper;
    END IF;
    -- What stands for the server's own zone or for another set of rules is no name that a worker elsewhere could know.
    RETURN (SELECT z.name FROM pg_timezone_names z WHERE lower(z.name) = lower(_timezone.name)
            AND z.name !~ '^(posix/|right/|posixrules$|localtime$|Factory$)' LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._timezone(text) IS 'Internal: the proper spelling of a time zone''s name, NULL for an unknown one.';

-- The worker computes the times with the data of its own. What it does not know, the leader has said.
CREATE OR REPLACE FUNCTION df._zone_problem(name text) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT format('Invalid time zone %L: the worker''s time zone data are older than the server''s; update the tzdata of the worker''s JVM', name)
FROM df._worker_epoch w WHERE name = ANY (w.unknown_zones)
$$;
COMMENT ON FUNCTION df._zone_problem(text) IS
    'Internal: the problem with a time zone that this server knows and the leading worker does not; NULL without one.';

-- The proper spelling of a name that both the server and the worker know.
CREATE OR REPLACE FUNCTION df._checked_zone(timezone text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    zone text := CASE WHEN upper(timezone) = 'UTC' THEN 'UTC' ELSE df._timezone(timezone) END;
    problem text := df._zone_problem(zone);
BEGIN
    IF zone IS NULL THEN
        RAISE EXCEPTION 'Invalid time zone ''%''', timezone
            USING ERRCODE = 'invalid_parameter_value', HINT = 'pg_timezone_names lists the names.';
    ELSIF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A newer release of Java, or of its tzdata, and a restart of the worker.';
    END IF;
    RETURN zone;
END
$$;
COMMENT ON FUNCTION df._checked_zone(text) IS 'Internal: the proper name of a time zone that the worker knows.';

CREATE OR REPLACE FUNCTION df.wait_for_schedule(cron_expr text, timezone text DEFAULT 'UTC') RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    zone text;
BEGIN
    IF NOT df._valid_cron(cron_expr) THEN
        RAISE EXCEPTION 'Invalid cron expression ''%'': Invalid expression: Invalid cron expression.', cron_expr
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Five fields: minute hour day-of-month month day-of-week (0-7, 0 and 7 are Sunday), or @hourly and the like.';
    END IF;
    IF upper(timezone) <> 'UTC' THEN
        zone := df._checked_zone(timezone);
    END IF;
    RETURN concat('{"node_type":"WAIT_SCHEDULE","query":', to_json(concat('{"cron_expr":', to_json(cron_expr),
        CASE WHEN zone IS NOT NULL THEN concat(',"timezone":', to_json(zone)) END, '}')), '}');
END
$$;
COMMENT ON FUNCTION df.wait_for_schedule(text, text) IS
    'Waits for the next time that matches a cron expression (five fields), in a time zone.';

CREATE OR REPLACE FUNCTION df.loop(body text, condition text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF body IS NULL THEN
        PERFORM df._require(0, 'body', false);
    END IF;
    RETURN pg_catalog.concat('{"node_type":"LOOP","left_node":', df._as_node(body),
        CASE WHEN condition IS NOT NULL THEN pg_catalog.concat(',"condition_node":', df._as_node(condition)) END, '}');
END
$$;
COMMENT ON FUNCTION df.loop(text, text) IS
    'Repeats body until condition, evaluated after each round, is not true; without a condition until df.break. Operator: @> body.';

-- The first argument is varchar so that a call without the others, which both would take, means the one above: text is the preferred
-- type.
CREATE OR REPLACE FUNCTION df.loop(
    body character varying, condition text DEFAULT NULL, continue_on_failure boolean DEFAULT false, every interval DEFAULT '1 second')
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    node text := df.loop(body::text, condition);
    millis numeric := round(extract(epoch FROM every)::numeric * 1000);
BEGIN
    PERFORM df._require(2, 'continue_on_failure', continue_on_failure IS NOT NULL), df._require(3, 'every', every IS NOT NULL);
    IF NOT millis BETWEEN 0 AND 315576000000 THEN
        RAISE EXCEPTION 'df.loop: every must be between 0 and 10 years, not %', every USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF millis = 1000 AND NOT continue_on_failure THEN
        RETURN node;
    END IF;
    RETURN concat(left(node, -1), ',"query":', to_json(concat('{', concat_ws(',',
        CASE WHEN millis <> 1000 THEN format('"every_ms":%s', millis::bigint) END,
        CASE WHEN continue_on_failure THEN '"continue_on_failure":true' END), '}')), '}');
END
$$;
COMMENT ON FUNCTION df.loop(character varying, text, boolean, interval) IS
    'Repeats body like df.loop(body, condition). continue_on_failure: a failed round does not end the loop. every: the shortest time between the begins of two rounds (''0'': none).';

CREATE OR REPLACE FUNCTION df."break"(value text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"BREAK","query":', pg_catalog.to_json(pg_catalog.concat(
        '{"break_value":', coalesce(pg_catalog.to_json(value)::pg_catalog.text, 'null'), '}')), '}');
END
$$;
COMMENT ON FUNCTION df."break"(text) IS 'Leaves the nearest enclosing loop; value becomes the loop''s result.';

CREATE OR REPLACE FUNCTION df."if"(condition text, then_branch text, else_branch text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
DECLARE
    test text := df._as_node(condition);
BEGIN
    RETURN pg_catalog.concat('{"node_type":"IF","left_node":', df._as_node(then_branch), ',"right_node":',
        df._as_node(else_branch), ',"condition_node":', test, '}');
END
$$;
COMMENT ON FUNCTION df."if"(text, text, text) IS
    'Runs one of two branches, by the first column of the first row of condition. Operators: condition ?> then !> else.';

CREATE OR REPLACE FUNCTION df.if_rows(result_name text, then_branch text, else_branch text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"IF","left_node":', df._as_node(then_branch), ',"right_node":',
        df._as_node(else_branch), ',"query":', pg_catalog.to_json(pg_catalog.concat(
            '{"condition_type":"result_has_rows","result_name":', pg_catalog.to_json(result_name), '}')), '}');
END
$$;
COMMENT ON FUNCTION df.if_rows(text, text, text) IS 'Runs one of two branches, by whether a named result has rows.';

CREATE OR REPLACE FUNCTION df."join"(a text, b text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"JOIN","left_node":', df._as_node(a), ',"right_node":', df._as_node(b), '}');
END
$$;
COMMENT ON FUNCTION df."join"(text, text) IS 'Runs both branches at once and waits for both. Operator: a & b.';

CREATE OR REPLACE FUNCTION df.join3(a text, b text, c text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"JOIN","left_node":', df._as_node(a), ',"right_node":', df._as_node(b),
        ',"extra_nodes":[', df._as_node(c), ']}');
END
$$;
COMMENT ON FUNCTION df.join3(text, text, text) IS 'Runs three branches at once and waits for all.';

CREATE OR REPLACE FUNCTION df.race(a text, b text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN pg_catalog.concat('{"node_type":"RACE","left_node":', df._as_node(a), ',"right_node":', df._as_node(b), '}');
END
$$;
COMMENT ON FUNCTION df.race(text, text) IS 'Runs both branches at once; the first that ends decides, and the other is interrupted. Operator: a | b.';

CREATE OR REPLACE FUNCTION df._retry_delay(argument text, delay interval) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    millis numeric := round(extract(epoch FROM delay)::numeric * 1000);
BEGIN
    -- Ten years, so that times stay within what a timestamp can hold. An infinite interval (PostgreSQL 17) is longer.
    IF millis BETWEEN 0 AND 315576000000 THEN
        RETURN millis;
    END IF;
    RAISE EXCEPTION 'df.retry: % must be between 0 and 10 years, not %', argument, delay USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION df._retry_delay(text, interval) IS 'Internal: a delay of df.retry in milliseconds.';

-- dev.perdure.graph.FailureConditions has the same rules.
CREATE OR REPLACE FUNCTION df._check_codes(builder text, argument text, otherwise text, codes text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong text;
BEGIN
    IF array_ndims(codes) > 1 THEN
        RAISE EXCEPTION '%: % must be a list, not an array of arrays', builder, argument USING ERRCODE = 'invalid_parameter_value';
    ELSIF cardinality(codes) = 0 THEN
        RAISE EXCEPTION '%: % must not be empty', builder, argument USING ERRCODE = 'invalid_parameter_value',
            HINT = otherwise;
    END IF;
    SELECT coalesce(c, 'NULL') INTO wrong FROM unnest(codes) AS c
    WHERE (c ~ '^([0-9A-Z]{2}|[0-9A-Z]{5}|http:([1-5][0-9]{2}|[1-5]xx|error)|[A-Za-z0-9_][A-Za-z0-9_.-]{2,62})$') IS NOT TRUE LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%: ''%'' in % is no SQLSTATE, class of SQLSTATEs, HTTP outcome or code of a program', builder, wrong, argument
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Examples: ''40001'', ''40'', ''http:429'', ''http:5xx'', ''http:error'', ''timeout''.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_codes(text, text, text, text[]) IS 'Internal: checks a list of failures.';

CREATE OR REPLACE FUNCTION df.retry(
    node text, max_attempts integer DEFAULT 3, initial_delay interval DEFAULT '1 second',
    backoff double precision DEFAULT 2, max_delay interval DEFAULT '1 hour', retry_on text[] DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET extra_float_digits = 1
AS $$
BEGIN
    PERFORM df._require(0, 'node', node IS NOT NULL), df._require(2, 'initial_delay', initial_delay IS NOT NULL),
            df._require(3, 'backoff', backoff IS NOT NULL), df._require(4, 'max_delay', max_delay IS NOT NULL);
    IF max_attempts < 1 THEN
        RAISE EXCEPTION 'df.retry: max_attempts must be at least 1, or NULL for no limit' USING ERRCODE = 'invalid_parameter_value';
    -- NaN counts as greater than any number.
    ELSIF NOT backoff BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'df.retry: backoff must be a number from 1 to 1000000' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_codes('df.retry', 'retry_on', 'Leave it out to retry on every failure.', retry_on);
    RETURN concat('{"node_type":"RETRY","left_node":', df._as_node(node), ',"query":', to_json(concat(
        '{"max_attempts":', coalesce(max_attempts::text, 'null'),
        ',"initial_delay_ms":', df._retry_delay('initial_delay', initial_delay),
        ',"backoff":', to_json(backoff),
        ',"max_delay_ms":', df._retry_delay('max_delay', max_delay),
        ',"retry_on":', coalesce(array_to_json(retry_on)::text, 'null'), '}')), '}');
END
$$;
COMMENT ON FUNCTION df.retry(text, integer, interval, double precision, interval, text[]) IS
    'Runs a step or a whole sub-graph again when it fails, up to max_attempts times (NULL: without end), after a growing delay.';

CREATE OR REPLACE FUNCTION df."catch"(node text, handler text, codes text[] DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'node', node IS NOT NULL), df._require(1, 'handler', handler IS NOT NULL);
    PERFORM df._check_codes('df.catch', 'codes', 'Leave it out to catch every failure.', codes);
    RETURN concat('{"node_type":"CATCH","left_node":', df._as_node(node), ',"right_node":', df._as_node(handler), ',"query":',
        to_json(concat('{"codes":', coalesce(array_to_json(codes)::text, 'null'), '}')), '}');
END
$$;
COMMENT ON FUNCTION df."catch"(text, text, text[]) IS
    'Runs handler when node fails (with one of codes: SQLSTATEs, classes, http:5xx, http:404, http:error, timeout). It sees $error.message, .code, .node and .detail, and its result is the node''s.';

CREATE OR REPLACE FUNCTION df.wait_for_condition(query text, every interval DEFAULT '10 seconds') RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    millis numeric := round(extract(epoch FROM every)::numeric * 1000);
BEGIN
    PERFORM df._require(0, 'query', query IS NOT NULL), df._require(1, 'every', every IS NOT NULL);
    IF query ~ '^\s*$' THEN
        RAISE EXCEPTION 'df.wait_for_condition: the query is empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT millis BETWEEN 100 AND 315576000000 THEN
        RAISE EXCEPTION 'df.wait_for_condition: every must be between 100 ms and 10 years, not %', every
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN df._as_node(concat('{"node_type":"WAIT_CONDITION","query":',
        to_json(format('{"query":%s,"every_ms":%s}', to_json(query), millis::bigint)), '}'));
END
$$;
COMMENT ON FUNCTION df.wait_for_condition(text, interval) IS
    'Waits until a read-only query is true; every is the time between two looks. The row of the last look is the result.';

CREATE OR REPLACE FUNCTION df.timeout(node text, within interval, otherwise text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    millis numeric;
BEGIN
    PERFORM df._require(0, 'node', node IS NOT NULL), df._require(1, 'within', within IS NOT NULL);
    millis := round(extract(epoch FROM within)::numeric * 1000);
    -- What an infinite interval (PostgreSQL 17) has is more than any limit.
    IF NOT millis BETWEEN 1 AND 315576000000 THEN
        RAISE EXCEPTION 'df.timeout: within must be between 1 millisecond and 10 years, not %', within USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN concat('{"node_type":"TIMEOUT","left_node":', df._as_node(node),
        CASE WHEN otherwise IS NOT NULL THEN concat(',"right_node":', df._as_node(otherwise)) END,
        ',"query":', to_json(format('{"within_ms":%s}', millis::bigint)), '}');
END
$$;
COMMENT ON FUNCTION df.timeout(text, interval, text) IS
    'Limits the time of a node. After that it is interrupted, and otherwise runs, or the node fails with code timeout. An outage does not extend the limit.';

CREATE OR REPLACE FUNCTION df.wait_for_signal(name text, timeout_seconds integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    IF name = '' THEN
        RAISE EXCEPTION 'Signal name cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(name) > 1024 THEN
        -- df.signal could never send it.
        RAISE EXCEPTION 'Signal name has % bytes, more than 1024', octet_length(name) USING ERRCODE = 'invalid_parameter_value';
    ELSIF timeout_seconds <= 0 THEN
        RAISE EXCEPTION 'Timeout must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN concat('{"node_type":"SIGNAL","query":', to_json(concat('{"signal_name":', to_json(name),
        ',"timeout_seconds":', coalesce(timeout_seconds::text, 'null'), '}')), '}');
END
$$;
COMMENT ON FUNCTION df.wait_for_signal(text, integer) IS 'Waits for df.signal with this name, at most for a number of seconds.';

CREATE OR REPLACE FUNCTION df.wait_for_signal(name text, timeout interval) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    seconds bigint := df._whole_seconds('df.wait_for_signal', timeout);
BEGIN
    IF seconds > 2147483647 THEN
        RAISE EXCEPTION 'df.wait_for_signal: the interval must be at most 68 years, not %', timeout USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN df.wait_for_signal(name, seconds::integer);
END
$$;
COMMENT ON FUNCTION df.wait_for_signal(text, interval) IS 'Waits for df.signal with this name, at most for an interval, in whole seconds.';

-- A literal without a type, which both of the above would take, means this one.
CREATE OR REPLACE FUNCTION df.wait_for_signal(name text, timeout text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF timeout ~ '^[[:space:]]*[+-]?[0-9]+[[:space:]]*$' THEN
        RETURN df.wait_for_signal(name, timeout::integer);
    END IF;
    RETURN df.wait_for_signal(name, timeout::interval);
END
$$;
COMMENT ON FUNCTION df.wait_for_signal(text, text) IS
    'Waits for df.signal with this name, at most for a number of seconds (''90'') or an interval (''15 minutes'').';

-- What df.http and df.http_multipart have in common. Scheme, method and timeout are checked in this order.
CREATE OR REPLACE FUNCTION df._check_http(url text, method text, methods text[], refusal text, timeout_seconds integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    scheme text := split_part(lower(url), '://', 1);
BEGIN
    IF strpos(url, '{') = 0 AND scheme NOT IN ('http', 'https') THEN
        RAISE EXCEPTION 'Blocked: unsupported URL scheme ''%''. Only http and https are allowed.', scheme
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF upper(method) <> ALL (methods) THEN
        RAISE EXCEPTION '%', format(refusal, method) USING ERRCODE = 'invalid_parameter_value';
    ELSIF timeout_seconds <= 0 THEN
        RAISE EXCEPTION 'Timeout must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_http(text, text, text[], text, integer) IS
    'Internal: checks URL scheme, method and timeout of an HTTP step.';

CREATE OR REPLACE FUNCTION df._check_headers(headers jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(headers) = 'null' THEN
        RETURN;
    ELSIF jsonb_typeof(headers) <> 'object' THEN
        RAISE EXCEPTION 'headers must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR wrong IN SELECT key, jsonb_typeof(value) AS kind FROM jsonb_each(headers)
                 WHERE jsonb_typeof(value) NOT IN ('string', 'number', 'boolean') LOOP
        RAISE EXCEPTION 'header ''%'' must be a string, a number or a boolean, not %', wrong.key, wrong.kind
            USING ERRCODE = 'invalid_parameter_value';
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._check_headers(jsonb) IS 'Internal: checks the headers of an HTTP step.';

CREATE OR REPLACE FUNCTION df.http(
    url text, method text DEFAULT 'POST', body text DEFAULT NULL, headers jsonb DEFAULT NULL,
    timeout_seconds integer DEFAULT 30)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'url', url IS NOT NULL), df._require(1, 'method', method IS NOT NULL), df._require(4, 'timeout_seconds', timeout_seconds IS NOT NULL);
    PERFORM df._check_http(url, method, '{GET,POST,PUT,DELETE,PATCH}',
        'Invalid HTTP method: %s. Must be GET, POST, PUT, DELETE, or PATCH', timeout_seconds);
    PERFORM df._check_headers(headers);
    RETURN concat('{"node_type":"HTTP","query":', to_json(concat(
        '{"url":', to_json(url),
        ',"method":', to_json(upper(method)),
        ',"body":', coalesce(to_json(body)::text, 'null'),
        ',"headers":', coalesce(df._compact(headers), 'null'),
        ',"timeout_seconds":', timeout_seconds, '}')), '}');
END
$$;
COMMENT ON FUNCTION df.http(text, text, text, jsonb, integer) IS 'A step that sends an HTTP request.';

-- The statuses that are a success. dev.perdure.flow.FailureCode reads the same.
CREATE OR REPLACE FUNCTION df._with_expect(node text, expect text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF expect IS NULL THEN
        RETURN node;
    ELSIF expect !~ '^ *[1-5]([0-9]{2}|xx) *(, *[1-5]([0-9]{2}|xx) *)*$' THEN
        RAISE EXCEPTION 'Invalid expect: ''%'' is no list of statuses', expect
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''2xx'' or ''2xx,404''.';
    END IF;
    RETURN concat('{"node_type":', node::json -> 'node_type', ',"query":', to_json(concat(
        left(node::json ->> 'query', -1), ',"expect":', to_json(expect), '}')), '}');
END
$$;
COMMENT ON FUNCTION df._with_expect(text, text) IS 'Internal: a node of an HTTP step, with the statuses that are a success.';

-- Beside the specified signature, on which rights are granted, and through it. The first argument is varchar so that a call without expect,
-- which both would take, means that one: text is the preferred type.
CREATE OR REPLACE FUNCTION df.http(
    url character varying, method text DEFAULT 'POST', body text DEFAULT NULL, headers jsonb DEFAULT NULL,
    timeout_seconds integer DEFAULT 30, expect text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._with_expect(df.http(url::text, method, body, headers, timeout_seconds), expect);
END
$$;
COMMENT ON FUNCTION df.http(character varying, text, text, jsonb, integer, text) IS
    'A step that sends an HTTP request and fails with code http:<status> on any other status than those in expect, such as ''2xx,404''.';

-- What the worker would refuse when it sends the part; dev.perdure.graph.PartSyntax has the same rules. What a reference
-- stands for is known only then.
CREATE OR REPLACE FUNCTION df._check_part(place bigint, part jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    shape CONSTANT text := 'A part is {"name": "file", "data_b64": "aGVsbG8="}, and may have filename and content_type. data_b64 is base64, as encode(convert_to(''hello'', ''UTF8''), ''base64'') gives it, or one reference such as $result.';
    wrong text;
    content text;
    bare text;
BEGIN
    IF jsonb_typeof(part) <> 'object' THEN
        RAISE EXCEPTION 'parts[%] must be a JSON object, not %', place, jsonb_typeof(part)
            USING ERRCODE = 'invalid_parameter_value', HINT = shape;
    END IF;
    SELECT member INTO wrong FROM unnest('{name,data_b64}'::text[]) AS member WHERE part ->> member IS NULL LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'parts[%] has no ''%'' (it has %)', place, wrong,
                coalesce((SELECT string_agg(key, ', ' ORDER BY key) FROM jsonb_object_keys(jsonb_strip_nulls(part)) AS key), 'no members')
            USING ERRCODE = 'invalid_parameter_value', HINT = shape;
    END IF;
    SELECT member INTO wrong FROM unnest('{name,data_b64,filename,content_type}'::text[]) AS member
    WHERE jsonb_typeof(part -> member) NOT IN ('string', 'null') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'parts[%]: % must be a string, not %', place, wrong, jsonb_typeof(part -> wrong)
            USING ERRCODE = 'invalid_parameter_value', HINT = shape;
    END IF;

    content := part ->> 'data_b64';
    IF strpos(content, '$') > 0 OR strpos(content, '{') > 0 THEN
        IF btrim(content, E' \t\n\r\f\v') !~ '^(\$[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?\??|\{[A-Za-z_][A-Za-z0-9_]*\})$' THEN
            RAISE EXCEPTION 'data_b64 for part ''%'' mixes a variable reference with other text. Only a whole-value reference is supported (e.g. data_b64 => ''$result'' or ''{myvar}''), because splicing into base64 would corrupt the payload.', part ->> 'name'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    ELSE
        content := translate(content, E' \t\n\r\f', '');
        bare := rtrim(content, '=');
        IF bare ~ '[^A-Za-z0-9+/]' OR length(bare) % 4 = 1
            OR content <> bare AND (length(content) % 4 <> 0 OR length(content) - length(bare) > 2)
        THEN
            RAISE EXCEPTION 'Invalid base64 in part ''%''', part ->> 'name' USING ERRCODE = 'invalid_parameter_value', HINT = shape;
        END IF;
    END IF;
    IF part ->> 'content_type' !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+/[!#$%&''*+.^_`|~0-9A-Za-z-]+(\s*;[ -~\t]*)?$' THEN
        RAISE EXCEPTION 'Invalid content_type for part ''%'': ''%'' is not a media type', part ->> 'name', part ->> 'content_type'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example text/plain; charset=utf-8.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_part(bigint, jsonb) IS
    'Internal: checks a part of df.http_multipart as far as it can be known before references are resolved.';

CREATE OR REPLACE FUNCTION df.http_multipart(
    url text, method text DEFAULT 'POST', parts jsonb DEFAULT NULL, headers jsonb DEFAULT NULL,
    timeout_seconds integer DEFAULT 30)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'url', url IS NOT NULL), df._require(1, 'method', method IS NOT NULL), df._require(4, 'timeout_seconds', timeout_seconds IS NOT NULL);
    PERFORM df._check_http(url, method, '{POST,PUT,PATCH}',
        'Invalid HTTP method for multipart: %s. Must be POST, PUT, or PATCH', timeout_seconds);
    IF parts IS NULL THEN
        RAISE EXCEPTION 'parts is required and cannot be NULL' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(parts) <> 'array' THEN
        RAISE EXCEPTION 'parts must be a JSON array of part objects' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(parts) = 0 THEN
        RAISE EXCEPTION 'parts must contain at least one part' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_part(place - 1, part) FROM jsonb_array_elements(parts) WITH ORDINALITY AS p(part, place);
    PERFORM df._check_headers(headers);
    RETURN concat('{"node_type":"HTTP_MULTIPART","query":', to_json(concat(
        '{"url":', to_json(url),
        ',"method":', to_json(upper(method)),
        ',"parts":', df._compact(parts),
        ',"headers":', coalesce(df._compact(headers), 'null'),
        ',"timeout_seconds":', timeout_seconds, '}')), '}');
END
$$;
COMMENT ON FUNCTION df.http_multipart(text, text, jsonb, jsonb, integer) IS
    'A step that sends an HTTP request with a multipart/form-data body.';

CREATE OR REPLACE FUNCTION df.http_multipart(
    url character varying, method text DEFAULT 'POST', parts jsonb DEFAULT NULL, headers jsonb DEFAULT NULL,
    timeout_seconds integer DEFAULT 30, expect text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df._with_expect(df.http_multipart(url::text, method, parts, headers, timeout_seconds), expect);
END
$$;
COMMENT ON FUNCTION df.http_multipart(character varying, text, jsonb, jsonb, integer, text) IS
    'A step that sends a multipart request and fails with code http:<status> on any other status than those in expect, such as ''2xx,404''.';

---------------------------------------------------------------------------------------------------------------------
-- Operators
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.as_op(fut text, name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN df."as"(fut, name);
END
$$;
COMMENT ON FUNCTION df.as_op(text, text) IS 'Implements the operators |=> and |=.';

CREATE OR REPLACE FUNCTION df.if_then_op(condition text, then_branch text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN pg_catalog.jsonb_build_object('_partial_if', true, 'condition', condition, 'then_branch', then_branch)
        ::pg_catalog.text;
END
$$;
COMMENT ON FUNCTION df.if_then_op(text, text) IS 'Implements the operator ?>, the first half of an if-then-else; !> completes it.';

CREATE OR REPLACE FUNCTION df.if_else_op(partial_if text, else_branch text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    half pg_catalog.jsonb := partial_if;
BEGIN
    -- Arrays and strings can hold this text too.
    IF pg_catalog.jsonb_typeof(half) OPERATOR(pg_catalog.<>) 'object' OR NOT half OPERATOR(pg_catalog.?) '_partial_if' THEN
        RAISE EXCEPTION 'Invalid if-then-else: left side of !> must be a ?> expression';
    END IF;
    RETURN df."if"(half OPERATOR(pg_catalog.->>) 'condition', half OPERATOR(pg_catalog.->>) 'then_branch', else_branch);
END
$$;
COMMENT ON FUNCTION df.if_else_op(text, text) IS 'Implements the operator !>, the second half of an if-then-else.';

CREATE OR REPLACE FUNCTION df.loop_prefix_op(body text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN df.loop(body);
END
$$;
COMMENT ON FUNCTION df.loop_prefix_op(text) IS 'Implements the prefix operator @>.';
