-- df.start: from node text to rows (specification 1.6, 2.1).
--
-- Entering a function with a SET clause costs some microseconds, so of those that work for df.start only df.start itself
-- has one. The others are called with its search_path, pg_catalog alone.

-- NULL passes a check without being asked for, except where the column must not be null.
--
-- Operators that the search_path of whoever inserts cannot replace: one ~ of a user's own let every id pass. Qualified in
-- place of a SET clause, which costs more than the checks. Most rows are SQL or THEN nodes, as df.start makes them: one
-- look is enough for these, and it needs no regular expression. Columns of ids hold eight characters at most, so that so many digits in sum are eight in each.
CREATE OR REPLACE FUNCTION df._check_node() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF new.submitted_by IS NOT NULL AND new.result_name IS NULL AND (CASE
        WHEN new.node_type OPERATOR(pg_catalog.=) 'SQL' THEN
            new.query IS NOT NULL AND new.left_node IS NULL AND new.right_node IS NULL
            AND pg_catalog.octet_length(pg_catalog.concat(new.id, new.instance_id)) OPERATOR(pg_catalog.=) 16
            AND pg_catalog.ltrim(pg_catalog.concat(new.id, new.instance_id), '0123456789abcdef') OPERATOR(pg_catalog.=) ''
        WHEN new.node_type OPERATOR(pg_catalog.=) 'THEN' THEN
            new.query IS NULL
            AND pg_catalog.octet_length(pg_catalog.concat(new.id, new.instance_id, new.left_node, new.right_node))
                OPERATOR(pg_catalog.=) 32
            AND pg_catalog.ltrim(pg_catalog.concat(new.id, new.instance_id, new.left_node, new.right_node),
                '0123456789abcdef') OPERATOR(pg_catalog.=) ''
        ELSE false
    END) THEN
        RETURN new;
    END IF;

    IF new.submitted_by IS NULL THEN
        PERFORM df._violates('nodes', 'nodes_submitted_by_present_chk');
    ELSIF new.id::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_id_format_chk');
    ELSIF new.instance_id::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_instance_id_format_chk');
    ELSIF new.left_node::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_left_node_format_chk');
    ELSIF new.right_node::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_right_node_format_chk');
    ELSIF new.node_type OPERATOR(pg_catalog.<>) ALL ('{SQL,THEN,IF,JOIN,LOOP,BREAK,RACE,SLEEP,WAIT_SCHEDULE,HTTP,HTTP_MULTIPART,SIGNAL,RETRY}'::pg_catalog.text[]) THEN
        PERFORM df._violates('nodes', 'nodes_node_type_chk');
    ELSIF new.result_name OPERATOR(pg_catalog.!~) '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        PERFORM df._violates('nodes', 'nodes_result_name_chk');
    ELSIF NOT (CASE
        WHEN new.left_node IS NULL THEN new.right_node IS NULL AND new.query IS NOT NULL
            AND new.node_type OPERATOR(pg_catalog.=) ANY ('{SQL,SLEEP,WAIT_SCHEDULE,BREAK,HTTP,HTTP_MULTIPART,SIGNAL}'::pg_catalog.text[])
        WHEN new.right_node IS NULL THEN
            new.node_type OPERATOR(pg_catalog.=) 'LOOP'
            OR new.node_type OPERATOR(pg_catalog.=) 'RETRY' AND new.query IS NOT NULL
        WHEN new.query IS NULL THEN new.node_type OPERATOR(pg_catalog.=) ANY ('{THEN,RACE,JOIN}'::pg_catalog.text[])
        ELSE new.node_type OPERATOR(pg_catalog.=) ANY ('{IF,JOIN}'::pg_catalog.text[])
    END) THEN
        PERFORM df._violates('nodes', 'nodes_structure_chk');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_node() IS 'Internal: checks the definition of a node when it is inserted.';

-- Limits of what the worker loads into its memory (V5). The text is that of a constraint, the detail says what to do.
CREATE OR REPLACE FUNCTION df._check_sizes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF tg_table_name = 'instances' THEN
        PERFORM df._check_size('instances', 'instances_label_size_chk', 'label', octet_length(new.label), 4096),
                df._check_size('instances', 'instances_database_size_chk', 'database', octet_length(new.database), 63),
                df._check_size('instances', 'instances_vars_size_chk', 'vars', octet_length(new.vars::text), 1048576),
                df._check_size('instances', 'instances_cancel_reason_size_chk', 'cancel_reason',
                    octet_length(new.cancel_reason), 65536);
    ELSE
        PERFORM df._check_size('nodes', 'nodes_query_size_chk', 'query', octet_length(new.query), 1048576),
                df._check_size('nodes', 'nodes_result_name_size_chk', 'result_name', octet_length(new.result_name), 256),
                df._check_size('nodes', 'nodes_database_size_chk', 'database', octet_length(new.database), 63);
    END IF;
    RETURN new;
END
$$;

CREATE OR REPLACE FUNCTION df._check_size(table_name text, constraint_name text, what text, bytes integer, most integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF bytes OPERATOR(pg_catalog.>) most THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', table_name, constraint_name
            USING ERRCODE = 'check_violation', SCHEMA = 'df', TABLE = table_name, CONSTRAINT = constraint_name,
                  DETAIL = pg_catalog.format('%s has %s bytes, at most %s are allowed.', what, bytes, most),
                  HINT = CASE WHEN most OPERATOR(pg_catalog.>) 4096 THEN 'Put large values into a table, and their key into the workflow.'
                         ELSE 'Choose a shorter one.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_size(text, text, text, integer, integer) IS
    'Internal: raises check_violation when a value is larger than allowed.';

-- Lays a graph out as rows, without touching a table. The walk keeps its own stack: a graph may be 256 levels deep and
-- functions that call themselves would use up max_stack_depth. Errors are returned, since df.explain shows them.
CREATE OR REPLACE FUNCTION df._graph(
    root text,
    OUT problem text,
    OUT ids text[], OUT node_types text[], OUT queries text[], OUT result_names text[],
    OUT left_nodes text[], OUT right_nodes text[])
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
    max_depth CONSTANT integer := 256;
    max_nodes CONSTANT integer := 10000;
    -- Ids are seed + k * odd, modulo 2^32: random to look at, and all different without a search.
    seed bigint := ('x' || left(gen_random_uuid()::text, 8))::bit(32)::bigint;
    n df._node;
    r record;
    -- Per node, in order of discovery: the texts of its children, until it is visited.
    lefts text[]; rights text[]; conditions text[]; extras text[];
    paths text[]; depths integer[];
    nodes integer := 1;
    stack integer[] := '{1}';
    top integer := 1;
    k integer;
    kind text;
    child text;
    child_path text;
    children text[];
    places text[];
    first_child integer;
    to_visit integer[];
    config jsonb;
    i integer;
BEGIN
    -- Mostly a graph is leaves and what joins two of them, as builders print it: there is nothing to rewrite, and few
    -- expressions are enough, each of which is set up anew in every transaction. So few nodes cannot lie too deep.
    lefts := ARRAY[root];
    k := 1;
    WHILE k <= nodes LOOP
        n := json_populate_record(NULL::df._node, lefts[k]::json);
        EXIT WHEN (nodes < max_depth AND n.condition_node IS NULL AND n.extra_nodes IS NULL
            AND CASE WHEN n.query IS NULL
                THEN n.node_type IN ('THEN', 'JOIN', 'RACE') AND left(n.left_node, 1) = '{' AND left(n.right_node, 1) = '{'
                ELSE n.node_type IN ('SQL', 'SLEEP', 'WAIT_SCHEDULE', 'HTTP', 'HTTP_MULTIPART', 'SIGNAL', 'BREAK')
                    AND n.left_node IS NULL AND n.right_node IS NULL END
            AND df._print_node(n) = lefts[k]) IS NOT TRUE;
        ids[k] := lpad(to_hex((seed + k * 2654435761) & 4294967295), 8, '0');
        node_types[k] := n.node_type;
        queries[k] := n.query;
        result_names[k] := n.result_name;
        IF n.query IS NULL THEN
            left_nodes[k] := lpad(to_hex((seed + (nodes + 1) * 2654435761) & 4294967295), 8, '0');
            right_nodes[k] := lpad(to_hex((seed + (nodes + 2) * 2654435761) & 4294967295), 8, '0');
            lefts := lefts || ARRAY[n.left_node, n.right_node];
            nodes := nodes + 2;
        END IF;
        k := k + 1;
    END LOOP;
    IF k > nodes THEN
        RETURN;
    END IF;

    nodes := 1;
    n := json_populate_record(NULL::df._node, root::json);
    ids := ARRAY[lpad(to_hex(seed), 8, '0')];
    node_types := ARRAY[n.node_type];
    queries := ARRAY[n.query];
    result_names := ARRAY[n.result_name];
    left_nodes := ARRAY[NULL::text];
    right_nodes := ARRAY[NULL::text];
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
            IF problem IS NOT NULL THEN
                problem := format('%s: %s', paths[k], problem);
                RETURN;
            END IF;
        END IF;

        -- The children, in order: left, right, condition, extras.
        first_child := nodes + 1;
        to_visit := '{}';
        IF lefts[k] IS NOT NULL AND rights[k] IS NOT NULL THEN
            children := ARRAY[lefts[k], rights[k]];
            places := '{.left,.right}';
            left_nodes[k] := 'pending';
            right_nodes[k] := 'pending';
            lefts[k] := NULL;
            rights[k] := NULL;
        ELSIF lefts[k] IS NOT NULL THEN
            children := ARRAY[lefts[k]];
            places := '{.left}';
            left_nodes[k] := 'pending';
            lefts[k] := NULL;
        ELSIF rights[k] IS NOT NULL THEN
            children := ARRAY[rights[k]];
            places := '{.right}';
            right_nodes[k] := 'pending';
            rights[k] := NULL;
        ELSE
            children := '{}';
            places := '{}';
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
            n := json_populate_record(NULL::df._node, child::json);
            -- As in df._as_node: what prints the same was well-formed.
            IF n.extra_nodes IS NOT NULL
                OR n.node_type IS NULL
                OR left(n.left_node, 1) <> '{' OR left(n.right_node, 1) <> '{' OR left(n.condition_node, 1) <> '{'
                OR df._print_node(n) <> child
            THEN
                r := df._read_node(child);
                IF r.canonical IS NULL THEN
                    problem := format('%s: failed to deserialize Durofut child: %s', child_path,
                        coalesce(r.problem, 'not a JSON object'));
                    RETURN;
                END IF;
                n := json_populate_record(NULL::df._node, r.canonical::json);
            END IF;
            nodes := nodes + 1;
            IF nodes > max_nodes THEN
                problem := format('%s: Workflow exceeds maximum node count of %s. Simplify the workflow or break it into multiple instances.',
                    child_path, max_nodes);
                RETURN;
            END IF;
            -- An element that was never written is NULL, also in what unnest makes of arrays of different lengths.
            ids[nodes] := lpad(to_hex((seed + nodes * 2654435761) & 4294967295), 8, '0');
            node_types[nodes] := n.node_type;
            IF n.query IS NOT NULL THEN
                queries[nodes] := n.query;
            END IF;
            IF n.result_name IS NOT NULL THEN
                result_names[nodes] := n.result_name;
            END IF;
            -- Nothing is wrong with such a leaf, and nothing below it: most nodes are not visited.
            CONTINUE WHEN n.node_type = 'SQL' AND n.left_node IS NULL AND n.right_node IS NULL
                AND n.condition_node IS NULL AND depths[k] < max_depth;
            lefts[nodes] := n.left_node;
            rights[nodes] := n.right_node;
            conditions[nodes] := n.condition_node;
            extras[nodes] := n.extra_nodes;
            paths[nodes] := child_path;
            depths[nodes] := depths[k] + 1;
            to_visit := to_visit || nodes;
        END LOOP;

        i := first_child;
        IF left_nodes[k] IS NOT NULL THEN
            left_nodes[k] := ids[i];
            i := i + 1;
        END IF;
        IF right_nodes[k] IS NOT NULL THEN
            right_nodes[k] := ids[i];
            i := i + 1;
        END IF;
        IF conditions[k] IS NOT NULL THEN
            queries[k] := df._compact(coalesce(config, '{}') || jsonb_build_object('condition_node', ids[i]));
            i := i + 1;
        END IF;
        IF extras[k] IS NOT NULL THEN
            queries[k] := df._compact(coalesce(config, '{}') || jsonb_build_object('extra_nodes', to_jsonb(ids[i:nodes])));
        END IF;

        -- Visited next: the children, the leftmost first.
        FOR i IN REVERSE cardinality(to_visit) .. 1 LOOP
            top := top + 1;
            stack[top] := to_visit[i];
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._graph(text) IS
    'Internal: the rows of df.nodes that a node text means, as arrays, or what is wrong with it.';

-- The strict variant of the auto-wrap rule, for df.start (specification 1.3).
CREATE OR REPLACE FUNCTION df._parse_root(fut text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    n df._node;
    r record;
    problem text;
BEGIN
    -- A node that a builder printed: see df._as_node.
    IF left(fut, 14) = '{"node_type":"' THEN
        BEGIN
            n := json_populate_record(NULL::df._node, fut::json);
        EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
            n := NULL;
        END;
        IF n.extra_nodes IS NULL AND df._known_type(n.node_type)
            AND (n.left_node IS NULL OR left(n.left_node, 1) = '{')
            AND (n.right_node IS NULL OR left(n.right_node, 1) = '{')
            AND (n.condition_node IS NULL OR left(n.condition_node, 1) = '{')
            AND df._print_node(n) = fut
        THEN
            RETURN fut;
        END IF;
    END IF;
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

CREATE OR REPLACE FUNCTION df._setting(name text, fallback text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN coalesce((SELECT s.value FROM df.settings s WHERE s.name = _setting.name), fallback);
END
$$;
COMMENT ON FUNCTION df._setting(text, text) IS 'Internal: a value of df.settings, or the fallback.';

-- Tells the worker, when it wants to be told: NOTIFY takes a lock of the whole cluster at commit (architecture 6).
CREATE OR REPLACE FUNCTION df._wake_worker() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_notify('perdure_wake', '')
    FROM df._wake w
    WHERE w.idle AND NOT EXISTS (SELECT FROM df.settings s WHERE s.name = 'notify'
                                 AND lower(s.value) IN ('off', 'false', 'no', '0'));
END
$$;
COMMENT ON FUNCTION df._wake_worker() IS 'Internal: sends NOTIFY perdure_wake when the worker is idle.';

-- Who starts: the effective role, if a worker may log in as it, as far as it can be told here. Another database is not
-- looked at: whether it lets the role in is found out there. The owner of schema df and its members are refused,
-- since a step of theirs could read and write the worker's tables.
CREATE OR REPLACE FUNCTION df._submitter(needs_login_only boolean) RETURNS oid
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    role record;
    password_expired boolean;
BEGIN
    SELECT r.oid, r.rolcanlogin, r.rolsuper, r.rolconnlimit, r.rolvaliduntil, l.problem, s.nspowner AS df_owner,
           -- Mostly nothing speaks against a role: what is asked below, in one expression.
           r.rolcanlogin AND NOT r.rolsuper AND r.rolconnlimit <> 0 AND r.rolvaliduntil IS NULL AND l.problem IS NULL
               AND r.oid <> s.nspowner AND NOT pg_has_role(r.oid, s.nspowner, 'MEMBER')
               AND has_database_privilege(r.oid, current_database(), 'CONNECT') AS is_fine
    INTO role
    FROM pg_roles r
    JOIN pg_namespace s ON s.nspname = 'df'
    -- What the worker found out when it tried.
    LEFT JOIN df._logins l ON l.role_oid = r.oid AND l.checked_at > clock_timestamp() - interval '1 minute'
    WHERE r.rolname = current_user;

    IF role.is_fine THEN
        RETURN role.oid;
    END IF;
    IF NOT role.rolcanlogin THEN
        RAISE EXCEPTION 'current_user "%" does not have LOGIN privilege. The background worker must connect as this role to execute SQL. Grant LOGIN to this role or call df.start() as a role with LOGIN.', current_user
            USING ERRCODE = 'internal_error';
    ELSIF needs_login_only THEN
        RETURN role.oid;
    ELSIF role.rolsuper AND lower(df._setting('enable_superuser_instances', 'off')) NOT IN ('on', 'true', 'yes', '1') THEN
        RAISE EXCEPTION 'pg_durable: superuser instances are disabled. current_user "%" is a superuser, but pg_durable.enable_superuser_instances is off. Set pg_durable.enable_superuser_instances = on to allow this.', current_user
            USING ERRCODE = 'internal_error',
                  HINT = 'In Perdure this is a row of df.settings: name enable_superuser_instances, value on.';
    ELSIF role.oid = role.df_owner OR NOT role.rolsuper AND pg_has_role(role.oid, role.df_owner, 'MEMBER') THEN
        RAISE EXCEPTION 'current_user "%" owns schema df or is a member of its owner. Its steps could read and change the worker''s own tables.', current_user
            USING ERRCODE = 'internal_error',
                  HINT = 'Call df.start() as another role: CREATE ROLE app LOGIN; SELECT df.grant_usage(''app'');';
    ELSIF role.rolconnlimit = 0 AND NOT role.rolsuper THEN
        RAISE EXCEPTION 'The worker cannot log in as current_user "%": its CONNECTION LIMIT is 0', current_user
            USING ERRCODE = 'internal_error', HINT = format('ALTER ROLE %I CONNECTION LIMIT -1;', current_user);
    ELSIF NOT has_database_privilege(role.oid, current_database(), 'CONNECT') THEN
        RAISE EXCEPTION 'The worker cannot log in as current_user "%": it may not CONNECT to database "%"', current_user, current_database()
            USING ERRCODE = 'internal_error',
                  HINT = format('GRANT CONNECT ON DATABASE %I TO %I;', current_database(), current_user);
    ELSIF role.rolvaliduntil IS NOT NULL THEN
        SELECT w.passwords AND role.rolvaliduntil < now() INTO password_expired FROM df._wake w;
        IF password_expired THEN
            RAISE EXCEPTION 'The worker cannot log in as current_user "%": its password was VALID UNTIL %', current_user, role.rolvaliduntil
                USING ERRCODE = 'internal_error', HINT = format('ALTER ROLE %I VALID UNTIL ''infinity'';', current_user);
        END IF;
    END IF;
    IF role.problem IS NOT NULL THEN
        RAISE EXCEPTION 'The worker cannot log in as current_user "%": %', current_user, role.problem
            USING ERRCODE = 'internal_error',
                  HINT = 'It goes on trying; docs/security.md has the lines for pg_hba.conf and pg_ident.conf.';
    END IF;
    RETURN role.oid;
END
$$;
COMMENT ON FUNCTION df._submitter(boolean) IS 'Internal: the current role, when it may start instances; otherwise an error.';

CREATE OR REPLACE FUNCTION df._start_vars(submitter oid, options jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    captured jsonb := (SELECT jsonb_object_agg(v.name, v.value) FROM df.vars v
                       WHERE v.owner = submitter::regrole AND v.value IS NOT NULL);
BEGIN
    IF options ? 'vars' THEN
        -- Each as text; jsonb null takes a captured variable away.
        captured := jsonb_strip_nulls(coalesce(captured, '{}') || (
            SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each_text(options -> 'vars')));
    END IF;
    RETURN nullif(captured, '{}');
END
$$;
COMMENT ON FUNCTION df._start_vars(oid, jsonb) IS 'Internal: the variables of an instance that is being started.';

CREATE OR REPLACE FUNCTION df._check_start_options(options jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
AS $$
DECLARE
    wrong text;
BEGIN
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options of df.start() must be a JSON object' USING ERRCODE = 'internal_error';
    END IF;
    SELECT key INTO wrong FROM jsonb_object_keys(options) AS key WHERE key NOT IN ('idempotency_key', 'vars') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option "%" for df.start(): there are idempotency_key and vars', wrong
            USING ERRCODE = 'internal_error',
                  HINT = 'For example {"idempotency_key": "order 17", "vars": {"name": "value"}}.';
    END IF;
    -- The length keeps an index entry, of up to four bytes a character, within what an index page takes.
    IF options ? 'idempotency_key' AND NOT (jsonb_typeof(options -> 'idempotency_key') = 'string'
            AND length(options ->> 'idempotency_key') BETWEEN 1 AND 255) THEN
        RAISE EXCEPTION 'option idempotency_key of df.start() must be a string of 1 to 255 characters'
            USING ERRCODE = 'internal_error';
    END IF;
    IF options ? 'vars' THEN
        IF jsonb_typeof(options -> 'vars') <> 'object' THEN
            RAISE EXCEPTION 'option vars of df.start() must be a JSON object' USING ERRCODE = 'internal_error';
        END IF;
        SELECT key INTO wrong FROM jsonb_each(options -> 'vars')
        WHERE jsonb_typeof(value) IN ('object', 'array') LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'variable "%" in option vars of df.start() must be a string, a number or a boolean', wrong
                USING ERRCODE = 'internal_error';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_start_options(jsonb) IS 'Internal: checks the options of df.start.';

-- What the caller's snapshot does not show is not found: df.start meets it when it inserts.
CREATE OR REPLACE FUNCTION df._started_before(submitter oid, key text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
BEGIN
    RETURN (SELECT i.id FROM df.instances i
            WHERE i.submitted_by = submitter::regrole AND i.idempotency_key = key);
END
$$;
COMMENT ON FUNCTION df._started_before(oid, text) IS
    'Internal: the instance that a role has started under an idempotency key, or NULL.';

CREATE OR REPLACE FUNCTION df.start(
    fut text, label text DEFAULT NULL, database text DEFAULT NULL, transaction_mode text DEFAULT 'caller',
    options jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    root text;
    submitter oid;
    graph record;
    once text;
    existing text;
    new_id text;
    tries integer := 0;
    nothing text;
BEGIN
    -- Each expression is set up anew in every transaction, which costs more than its value: what is rare is asked for at once.
    IF fut IS NULL OR transaction_mode IS NULL OR transaction_mode <> 'caller' OR options IS NOT NULL THEN
        PERFORM df._require(0, fut IS NOT NULL), df._require(3, transaction_mode IS NOT NULL);
        IF lower(transaction_mode) NOT IN ('caller', 'new') THEN
            RAISE EXCEPTION 'invalid transaction_mode "%" for df.start(): expected ''caller'' or ''new''', transaction_mode
                USING ERRCODE = 'internal_error';
        END IF;
        PERFORM df._check_start_options(options);
        IF lower(transaction_mode) = 'new' THEN
            IF current_setting('df.in_workflow', true) = 'true' THEN
                RAISE EXCEPTION 'df.start() with transaction_mode => ''new'' cannot be called inside a workflow - a df.sql() node already runs as a single autocommitted statement, so a plain df.start() there is already independent of any caller transaction'
                    USING ERRCODE = 'internal_error';
            END IF;
            PERFORM df._submitter(true);
            RETURN df._start_in_new_transaction(fut, label, database, options);
        END IF;
        once := options ->> 'idempotency_key';
    END IF;

    root := df._parse_root(fut);
    IF database IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM pg_database d WHERE d.datname = start.database::name
                       AND d.datname::text = start.database) THEN
            RAISE EXCEPTION 'database "%" does not exist', database USING ERRCODE = 'internal_error';
        END IF;
    END IF;
    submitter := df._submitter(false);
    IF once IS NOT NULL THEN
        existing := df._started_before(submitter, once);
        IF existing IS NOT NULL THEN
            RETURN existing;
        END IF;
    END IF;
    IF database IS NOT NULL AND NOT has_database_privilege(submitter, database, 'CONNECT') THEN
        RAISE EXCEPTION 'role "%" may not connect to database "%", where its steps would run', current_user, database
            USING ERRCODE = 'internal_error',
                  HINT = format('GRANT CONNECT ON DATABASE %I TO %I;', database, current_user::text);
    END IF;
    graph := df._graph(root);
    IF graph.problem IS NOT NULL THEN
        RAISE EXCEPTION 'Invalid durable function graph: %', graph.problem USING ERRCODE = 'internal_error';
    END IF;

    -- ON CONFLICT sees rows of other roles too, and costs no subtransaction, of which a statement that starts many
    -- instances could afford only a few. Where another session is starting under the same key, it waits for that one's
    -- transaction; in REPEATABLE READ it then raises a serialization failure, since the row cannot be shown.
    LOOP
        new_id := left(gen_random_uuid()::text, 8);
        INSERT INTO df.instances (id, label, root_node, submitted_by, database, vars, idempotency_key)
        VALUES (new_id, start.label, graph.ids[1], submitter, start.database,
            CASE WHEN options IS NULL THEN (SELECT jsonb_object_agg(v.name, v.value) FROM df.vars v
                                            WHERE v.owner = submitter::regrole AND v.value IS NOT NULL)
                 ELSE df._start_vars(submitter, options) END,
            once)
        ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        existing := df._started_before(submitter, once);
        IF existing IS NOT NULL THEN
            RETURN existing;
        END IF;
        tries := tries + 1;
        IF tries = 10 THEN
            RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
                USING ERRCODE = 'internal_error';
        END IF;
    END LOOP;

    INSERT INTO df.nodes (id, instance_id, node_type, query, result_name, left_node, right_node, submitted_by, database)
    SELECT n.id, new_id, n.node_type, n.query, n.result_name, n.left_node, n.right_node, submitter, start.database
    FROM unnest(graph.ids, graph.node_types, graph.queries, graph.result_names, graph.left_nodes, graph.right_nodes)
        AS n(id, node_type, query, result_name, left_node, right_node);

    nothing := df._wake_worker();
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION df.start(text, text, text, text, jsonb) IS
    'Starts a workflow as the current role, in the current transaction; returns the id of the instance.';
