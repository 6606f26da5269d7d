-- Named workflows: df.define, df.call, and the children that calls start.
--
-- A call begins with a statement in the submitter's own session: there the definition is resolved, its arguments are cast, and the child
-- is inserted, in one transaction with the checkpoint that says that the node waits for it. So a crash starts no second one, and no value
-- of a user is cast by the owner. The end of a child is a signal to its parent, in the transaction that ends the child.

---------------------------------------------------------------------------------------------------------------------
-- The builder
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._definition_name_problem(name text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN name IS NULL OR name ~ '^\s*$' THEN 'the name of a definition must not be empty'
            WHEN octet_length(name) > 255 THEN format('the name of a definition has %s bytes, at most 255 are allowed', octet_length(name))
            WHEN name ~ '[[:cntrl:]]' OR btrim(name) <> name THEN 'the name of a definition has no control characters, and no blanks at its ends' END
$$;
COMMENT ON FUNCTION df._definition_name_problem(text) IS 'Internal: the problem of a name of a definition; NULL for none.';

CREATE OR REPLACE FUNCTION df._call_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IS DISTINCT FROM 'CALL' OR query IS NULL THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    RETURN CASE
        WHEN config IS NULL THEN 'query in CALL must be a JSON config object'
        WHEN coalesce(jsonb_typeof(config -> 'name'), '') <> 'string' THEN 'CALL has no name'
        WHEN df._definition_name_problem(config ->> 'name') IS NOT NULL THEN df._definition_name_problem(config ->> 'name')
        WHEN coalesce(jsonb_typeof(config -> 'args'), '') <> 'object' THEN 'args of CALL must be a JSON object'
        WHEN coalesce(jsonb_typeof(config -> 'version'), 'null') <> 'null'
            AND (jsonb_typeof(config -> 'version') = 'number' AND config ->> 'version' ~ '^[1-9][0-9]{0,8}$') IS NOT TRUE
            THEN 'version of CALL must be a whole number from 1 on' END;
END
$$;
COMMENT ON FUNCTION df._call_problem(text, text) IS
    'Internal: the problem of the configuration of a CALL; NULL for none, and for other nodes.';

CREATE OR REPLACE FUNCTION df.call(name text, args jsonb DEFAULT '{}', version integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config text := concat('{"name":', to_json(name), ',"args":', df._compact(coalesce(args, '{}')), ',"version":', coalesce(version::text, 'null'), '}');
    problem text;
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    problem := df._call_problem('CALL', config);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.call: %', replace(problem, ' of CALL', '') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example df.call(''invoice'', ''{"order": "$o.id"}'').';
    END IF;
    RETURN df._as_node(concat('{"node_type":"CALL","query":', to_json(config), '}'));
END
$$;
COMMENT ON FUNCTION df.call(text, jsonb, integer) IS
    'Starts a named workflow (df.define) as a child of this one, waits for it, and returns its result. Strings in args are templates; without a version, the latest one is called. "role.name" is a definition of another role.';

---------------------------------------------------------------------------------------------------------------------
-- Definitions
---------------------------------------------------------------------------------------------------------------------

-- A view with the rights of its owner, since nobody else may read the table: see df.nodes.
CREATE OR REPLACE VIEW df.definitions WITH (security_barrier) AS
SELECT d.owner, d.name, d.version, d.params, d.comment, d.created_at, d.graph
FROM df._definitions d
WHERE d.owner = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'))
    OR EXISTS (SELECT FROM df._definition_grants g WHERE g.owner = d.owner AND g.name = d.name
               AND (g.role = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role) AND pg_has_role(g.role, 'USAGE')));
COMMENT ON VIEW df.definitions IS 'Versions of named workflows that you have defined, or may call (df.grant_definition).';
COMMENT ON COLUMN df.definitions.params IS '{"<name>": {"type", "required", "default"}}; NULL: every argument is a text.';
COMMENT ON COLUMN df.definitions.graph IS 'The node text; df.explain draws it.';

CREATE OR REPLACE VIEW df.children WITH (security_barrier) AS
SELECT c.parent_id, c.node_id, c.execution_id, c.child_id, c.owner, c.name, c.version, c.ended_at
FROM df._calls c JOIN df.instances i ON i.id = c.child_id
WHERE i.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df.children IS 'Instances that were started by a df.call of your instances: one for each execution of such a node.';
COMMENT ON COLUMN df.children.execution_id IS 'The execution of the node, as in df.nodes.status_details.';

-- Types are those of pg_catalog, unless they are qualified. What to_regtype takes is a type and nothing else.
CREATE OR REPLACE FUNCTION df._cast_argument(definition text, name text, type text, value jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wanted regtype := to_regtype(type);
    given text;
    done text;
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'definition "%": parameter "%" has the type %, which does not exist', definition, name, type
            USING ERRCODE = 'undefined_object', HINT = 'Types of other schemas than pg_catalog are written with their schema.';
    END IF;
    given := CASE WHEN wanted IN ('json'::regtype, 'jsonb'::regtype) THEN value::text
                  WHEN jsonb_typeof(value) = 'array' AND right(format_type(wanted, NULL), 2) = '[]'
                  THEN ARRAY(SELECT jsonb_array_elements_text(value))::text
                  ELSE value #>> '{}' END;
    EXECUTE format('SELECT CAST($1::pg_catalog.text AS %s)::pg_catalog.text', type) INTO done USING given;
    RETURN done;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    RAISE EXCEPTION 'definition "%": parameter "%" is no %: %', definition, name, type, sqlerrm USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION df._cast_argument(text, text, text, jsonb) IS
    'Internal: a value as the text of its type. Called in the session of the role that defines, or calls.';

CREATE OR REPLACE FUNCTION df._check_params(definition text, params jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    p record;
    wrong text;
BEGIN
    IF jsonb_typeof(params) <> 'object' THEN
        RAISE EXCEPTION 'params of df.define must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example {"order": {"type": "bigint", "required": true}}.';
    END IF;
    FOR p IN SELECT key AS name, value AS spec FROM jsonb_each(params) LOOP
        IF p.name !~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$' OR p.name ~ '^sys_' THEN
            RAISE EXCEPTION 'parameter "%" of df.define: a name has letters, digits and underscores, and does not begin with sys_', p.name
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF jsonb_typeof(p.spec) <> 'object' THEN
            RAISE EXCEPTION 'parameter "%" of df.define must be a JSON object with type, required and default', p.name
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT key INTO wrong FROM jsonb_object_keys(p.spec) AS key WHERE key NOT IN ('type', 'required', 'default', 'description') LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'parameter "%" of df.define has an unknown member "%": there are type, required, default and description', p.name, wrong
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF coalesce(jsonb_typeof(p.spec -> 'type'), 'string') <> 'string' OR coalesce(jsonb_typeof(p.spec -> 'required'), 'boolean') <> 'boolean' THEN
            RAISE EXCEPTION 'parameter "%" of df.define: type is a string, and required is true or false', p.name
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF to_regtype(coalesce(p.spec ->> 'type', 'text')) IS NULL THEN
            RAISE EXCEPTION 'parameter "%" of df.define has the type %, which does not exist', p.name, p.spec ->> 'type'
                USING ERRCODE = 'undefined_object', HINT = 'Types of other schemas than pg_catalog are written with their schema.';
        ELSIF coalesce(p.spec -> 'default', 'null') <> 'null' THEN
            PERFORM df._cast_argument(definition, p.name, coalesce(p.spec ->> 'type', 'text'), p.spec -> 'default');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._check_params(text, jsonb) IS 'Internal: raises the problem of the parameters of a definition.';

CREATE OR REPLACE FUNCTION df.define(name text, fut text, params jsonb DEFAULT NULL, comment text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    root text;
    problem text := df._definition_name_problem(name);
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL), df._require(1, 'fut', fut IS NOT NULL);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.define: %', problem USING ERRCODE = 'invalid_parameter_value';
    ELSIF strpos(name, '.') > 0 THEN
        RAISE EXCEPTION 'df.define: the name of a definition has no point: role.name is the definition of another role'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF fut ~ '^(\s|;|--[^\n]*(\n|$)|/\*.*?\*/)*$' THEN
        RAISE EXCEPTION 'df.define: "%" would execute nothing: its only statement is empty', name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    root := df._checked_root(fut);
    PERFORM df._check_params(name, params);
    IF octet_length(root) > 67108864 OR octet_length(params::text) > 1048576 OR octet_length(comment) > 65536 THEN
        RAISE EXCEPTION 'df.define: "%" is too large: a graph has up to 64 MiB, params 1 MiB, a comment 64 KiB', name
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    INSERT INTO df._definition_changes (owner, name, action, graph, params, comment)
    VALUES (quote_ident(current_user)::regrole, name, 'define', root, params, comment);
    RETURN (SELECT max(d.version) FROM df.definitions d WHERE d.owner = quote_ident(current_user)::regrole AND d.name = define.name);
END
$$;
COMMENT ON FUNCTION df.define(text, text, jsonb, text) IS
    'Gives a workflow a name for df.call. Returns its version: each new definition of the name gets the next one, and running instances keep theirs. params: {"order": {"type": "bigint", "required": true, "default": …}}.';

CREATE OR REPLACE FUNCTION df._own_definition(name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    IF NOT EXISTS (SELECT FROM df.definitions d WHERE d.owner = quote_ident(current_user)::regrole AND d.name = _own_definition.name) THEN
        RAISE EXCEPTION 'role "%" has no definition "%"', current_user, name USING ERRCODE = 'undefined_object',
            HINT = 'SELECT owner, name, version FROM df.definitions lists those that you may call.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._own_definition(text) IS 'Internal: raises an error unless the current role has a definition of that name.';

CREATE OR REPLACE FUNCTION df.drop_definition(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._own_definition(name);
    INSERT INTO df._definition_changes (owner, name, action) VALUES (quote_ident(current_user)::regrole, drop_definition.name, 'drop');
END
$$;
COMMENT ON FUNCTION df.drop_definition(text) IS 'Removes all versions of a definition of yours, and its grants. Running instances go on.';

CREATE OR REPLACE FUNCTION df.grant_definition(name text, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._own_definition(name);
    INSERT INTO df._definition_changes (owner, name, action, role)
    VALUES (quote_ident(current_user)::regrole, grant_definition.name, 'grant', df._grantee_oid(grant_definition.role));
END
$$;
COMMENT ON FUNCTION df.grant_definition(text, text) IS
    'Lets a role (or PUBLIC), and its members, see and call a definition of yours. It runs with the rights of the caller.';

CREATE OR REPLACE FUNCTION df.revoke_definition(name text, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._own_definition(name);
    INSERT INTO df._definition_changes (owner, name, action, role)
    VALUES (quote_ident(current_user)::regrole, revoke_definition.name, 'revoke', df._grantee_oid(revoke_definition.role));
END
$$;
COMMENT ON FUNCTION df.revoke_definition(text, text) IS 'Revokes a grant of df.grant_definition. Running instances go on.';

-- Definer: see df._free_key. What was inserted has passed the policy: it is the caller's. Two that define at once meet at the version.
CREATE OR REPLACE FUNCTION df._change_definition() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_version integer;
BEGIN
    CASE new.action
    WHEN 'define' THEN
        PERFORM df._check_size('definitions', 'definitions_name_size_chk', 'name', octet_length(new.name), 255),
                df._check_size('definitions', 'definitions_graph_size_chk', 'graph', octet_length(new.graph), 67108864);
        FOR tries IN 1 .. 100 LOOP
            INSERT INTO df._definitions (owner, name, version, graph, params, comment)
            SELECT new.owner, new.name, 1 + coalesce(max(d.version), 0), new.graph, new.params, new.comment
            FROM df._definitions d WHERE d.owner = new.owner AND d.name = new.name
            ON CONFLICT DO NOTHING RETURNING version INTO v_version;
            EXIT WHEN v_version IS NOT NULL;
        END LOOP;
        IF v_version IS NULL THEN
            RAISE EXCEPTION 'definition "%" is being defined by too many sessions at once', new.name USING ERRCODE = 'serialization_failure';
        END IF;
    WHEN 'drop' THEN
        DELETE FROM df._definition_grants g WHERE g.owner = new.owner AND g.name = new.name;
        DELETE FROM df._definitions d WHERE d.owner = new.owner AND d.name = new.name;
    WHEN 'grant' THEN
        INSERT INTO df._definition_grants (owner, name, role) VALUES (new.owner, new.name, new.role) ON CONFLICT DO NOTHING;
    WHEN 'revoke' THEN
        DELETE FROM df._definition_grants g WHERE g.owner = new.owner AND g.name = new.name AND g.role = new.role;
    END CASE;
    DELETE FROM df._definition_changes c WHERE c.owner = new.owner AND c.name = new.name AND c.asked_in = new.asked_in;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._change_definition() IS 'Internal: carries out a change of a definition.';
CREATE OR REPLACE TRIGGER definition_changes_do AFTER INSERT ON df._definition_changes FOR EACH ROW EXECUTE FUNCTION df._change_definition();

---------------------------------------------------------------------------------------------------------------------
-- Calls
---------------------------------------------------------------------------------------------------------------------

-- One's own first. What several roles have granted under one name has to be named with its role.
CREATE OR REPLACE FUNCTION df._resolve_definition(name text, version integer) RETURNS df.definitions
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    point integer := length(name) - strpos(reverse(name), '.') + 1;
    bare text := CASE WHEN strpos(name, '.') > 0 THEN substr(name, point + 1) ELSE name END;
    of_role regrole;
    owners regrole[];
    chosen df.definitions;
BEGIN
    IF strpos(name, '.') > 0 THEN
        of_role := to_regrole(quote_ident(left(name, point - 1)));
        owners := ARRAY(SELECT DISTINCT d.owner FROM df.definitions d WHERE d.name = bare AND d.owner = of_role);
    ELSE
        owners := ARRAY(SELECT DISTINCT d.owner FROM df.definitions d WHERE d.name = bare AND d.owner = quote_ident(current_user)::regrole);
        IF owners = '{}' THEN
            owners := ARRAY(SELECT DISTINCT d.owner FROM df.definitions d WHERE d.name = bare ORDER BY d.owner);
        END IF;
    END IF;
    IF owners = '{}' THEN
        RAISE EXCEPTION 'definition "%" does not exist, or role "%" may not call it', name, current_user USING ERRCODE = 'undefined_object',
            HINT = 'SELECT owner, name, version FROM df.definitions lists those that you may call; df.define makes one, df.grant_definition lets others call it.';
    ELSIF cardinality(owners) > 1 THEN
        RAISE EXCEPTION 'definition "%" is ambiguous: it is granted by %', name, array_to_string(owners, ', ') USING ERRCODE = 'ambiguous_alias',
            HINT = format('Call %L.', concat(owners[1], '.', bare));
    END IF;
    SELECT d.* INTO chosen FROM df.definitions d
    WHERE d.owner = owners[1] AND d.name = bare AND (version IS NULL OR d.version = version)
    ORDER BY d.version DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'definition "%" has no version %: the latest one is %', name, version,
                (SELECT max(d.version) FROM df.definitions d WHERE d.owner = owners[1] AND d.name = bare)
            USING ERRCODE = 'undefined_object';
    END IF;
    RETURN chosen;
END
$$;
COMMENT ON FUNCTION df._resolve_definition(text, integer) IS 'Internal: the definition that a name means to the current role; raises why there is none.';

CREATE OR REPLACE FUNCTION df._arguments(definition df.definitions, args jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    p record;
    wrong text;
    given jsonb;
    done jsonb := '{}';
BEGIN
    IF definition.params IS NULL THEN
        SELECT a.key INTO wrong FROM jsonb_object_keys(args) AS a(key)
        WHERE a.key !~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$' OR a.key ~ '^sys_' LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'definition "%": "%" cannot be the name of a variable', definition.name, wrong USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN (SELECT coalesce(jsonb_object_agg(a.key, coalesce(a.value, '')), '{}') FROM jsonb_each_text(args) AS a);
    END IF;
    SELECT a.key INTO wrong FROM jsonb_object_keys(args) AS a(key) WHERE NOT definition.params ? a.key LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'definition "%" has no parameter "%": %', definition.name, wrong,
                coalesce('there are ' || (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(definition.params) AS k), 'it has none')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR p IN SELECT x.key AS name, x.value AS spec FROM jsonb_each(definition.params) AS x LOOP
        given := nullif(coalesce(nullif(args -> p.name, 'null'), p.spec -> 'default'), 'null');
        IF given IS NULL AND (p.spec ->> 'required')::boolean THEN
            RAISE EXCEPTION 'definition "%": parameter "%" is required', definition.name, p.name USING ERRCODE = 'invalid_parameter_value';
        END IF;
        -- What is not given is the empty text: a variable has no NULL.
        done := done || jsonb_build_object(p.name, CASE WHEN given IS NULL THEN ''
            ELSE coalesce(df._cast_argument(definition.name, p.name, coalesce(p.spec ->> 'type', 'text'), given), '') END);
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION df._arguments(df.definitions, jsonb) IS 'Internal: the variables that the arguments of a call become; raises an error for invalid ones.';

-- The worker's statement for a CALL. With the rights and the types of the submitter: only the child is put in by a trigger.
CREATE OR REPLACE FUNCTION df._begin_call(name text, args text, version text, subject text, node_id text, execution_id text, reply text)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    definition df.definitions := df._resolve_definition(name, version::integer);
    submitter regrole := quote_ident(current_user)::regrole;
    own_vars jsonb := (SELECT jsonb_object_agg(v.name, v.value) FROM df.vars v WHERE v.owner = submitter AND v.value IS NOT NULL);
BEGIN
    INSERT INTO df._child_starts (parent_id, submitted_by, subject, node_id, execution_id, reply, owner, name, version, graph, vars)
    VALUES (left(subject, 8), submitter, subject, node_id, execution_id, reply, definition.owner, definition.name, definition.version,
            definition.graph, nullif(coalesce(own_vars, '{}') || df._arguments(definition, args::jsonb), '{}'));
    RETURN (SELECT c.child_id FROM df.children c
            WHERE c.parent_id = left(subject, 8) AND c.node_id = _begin_call.node_id AND c.execution_id = _begin_call.execution_id
            ORDER BY c.ended_at NULLS FIRST LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._begin_call(text, text, text, text, text, text, text) IS
    'Internal: starts the child of a CALL, as the submitter and in the transaction of its checkpoint; returns its id.';

-- Definer: see df._free_key. The row has passed the policy: parent and child are the caller's.
CREATE OR REPLACE FUNCTION df._start_child() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    most CONSTANT integer := 16;
    v_depth integer;
    v_drawn uuid;
    v_id text;
BEGIN
    WITH RECURSIVE up AS (
        SELECT i.parent_id, 1 AS depth FROM df.instances i WHERE i.id = new.parent_id AND i.submitted_by = new.submitted_by
        UNION ALL
        SELECT i.parent_id, u.depth + 1 FROM up u JOIN df.instances i ON i.id = u.parent_id WHERE u.depth <= most)
    SELECT max(u.depth) INTO v_depth FROM up u;
    IF v_depth IS NULL OR left(new.subject, 8) <> new.parent_id OR new.subject !~ '^[0-9a-f]{8}([.][0-9]{1,18}[.][0-9]{1,18})?$'
        OR new.node_id !~ '^[A-Za-z0-9_-]{1,64}$' OR new.reply !~ '^df[.]call [0-9a-f-]{36}$' OR octet_length(new.name) > 255 THEN
        RAISE EXCEPTION 'perdure: instance % has no node that calls', new.parent_id USING ERRCODE = 'no_data_found';
    ELSIF v_depth > most THEN
        RAISE EXCEPTION 'df.call: "%" would stand % levels deep, at most % are allowed: does a definition call itself?', new.name, v_depth, most
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    FOR tries IN 1 .. 10 LOOP
        v_drawn := gen_random_uuid();
        INSERT INTO df.instances (id, label, root_node, submitted_by, vars, graph, parent_id)
        VALUES (left(v_drawn::text, 8), new.name, right(v_drawn::text, 8), new.submitted_by, new.vars, new.graph, new.parent_id)
        ON CONFLICT DO NOTHING RETURNING id INTO v_id;
        EXIT WHEN v_id IS NOT NULL;
    END LOOP;
    -- A node that has a child in this execution gets no other.
    INSERT INTO df._calls (parent_id, subject, node_id, execution_id, child_id, reply, owner, name, version)
    VALUES (new.parent_id, new.subject, new.node_id, new.execution_id, v_id, new.reply, new.owner, new.name, new.version);
    DELETE FROM df._child_starts c WHERE c.submitted_by = new.submitted_by AND c.subject = new.subject AND c.node_id = new.node_id
        AND c.execution_id = new.execution_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._start_child() IS 'Internal: puts a child in.';
CREATE OR REPLACE TRIGGER child_starts_do AFTER INSERT ON df._child_starts FOR EACH ROW EXECUTE FUNCTION df._start_child();

-- What the parent learns.
CREATE OR REPLACE FUNCTION df._child_end(child df.instances, name text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    most CONSTANT integer := 1000000;
    v_data jsonb := jsonb_build_object('child', child.id, 'name', name, 'status', child.status);
BEGIN
    IF child.status = 'completed' THEN
        SELECT v_data || CASE WHEN octet_length(r.result::text) + coalesce(octet_length(r.columns::text), 0) > most
                              THEN jsonb_build_object('bytes', octet_length(r.result::text))
                              ELSE jsonb_build_object('result', r.result, 'columns', r.columns) END
        INTO v_data
        FROM (SELECT c.state -> 'results' -> (c.state -> 'nodes' -> child.root_node ->> 'result')::integer AS result,
                     nullif(c.state -> 'columns' -> (c.state -> 'nodes' -> child.root_node ->> 'result')::integer, 'null') AS columns
              FROM df._checkpoints c WHERE c.instance_id = child.id AND c.state -> 'nodes' ? child.root_node
              ORDER BY c.version DESC LIMIT 1) AS r;
        RETURN v_data;
    END IF;
    RETURN v_data || jsonb_build_object('error', left(coalesce(CASE WHEN child.status = 'cancelled'
        THEN concat('canceled: ', coalesce(child.cancel_reason, 'Cancelled by user')) ELSE child.output END, ''), 100000));
END
$$;
COMMENT ON FUNCTION df._child_end(df.instances, text) IS 'Internal: the end of a child, as its parent reads it.';

-- Definer: see df._enqueue. However a child ends, its parent learns of it in the same transaction, once.
CREATE OR REPLACE FUNCTION df._tell_parent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_call df._calls;
    v_data jsonb;
BEGIN
    UPDATE df._calls c SET ended_at = clock_timestamp() WHERE c.child_id = new.id AND c.ended_at IS NULL RETURNING * INTO v_call;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_data := df._child_end(new, v_call.name);
    INSERT INTO df.signals (instance_id, name, data)
    SELECT p.id, v_call.reply, v_data FROM df.instances p
    WHERE p.id = new.parent_id AND p.submitted_by = new.submitted_by AND p.status IN ('pending', 'running');
    PERFORM df._wake_worker();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._tell_parent() IS 'Internal: brings the end of a child to its parent.';
CREATE OR REPLACE TRIGGER instances_tell_parent AFTER UPDATE OF status ON df.instances FOR EACH ROW
    WHEN (new.parent_id IS NOT NULL AND old.status IN ('pending', 'running') AND new.status IN ('completed', 'failed', 'cancelled'))
    EXECUTE FUNCTION df._tell_parent();

-- [{"node", "execution_id"}, …]: calls of one subject that end with a decision (node *: whatever there are), and those of items of maps that
-- end with it. The row of the instance first: a child that ends takes them in this order.
CREATE OR REPLACE FUNCTION df._end_calls(p_subject text, p_calls jsonb, p_maps bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_calls text[];
    v_replies text[];
BEGIN
    SELECT array_agg(c.child_id::text ORDER BY c.child_id), array_agg(c.reply) INTO v_calls, v_replies
    FROM df._calls c
    WHERE c.parent_id = left(p_subject, 8) AND c.ended_at IS NULL
        AND (c.subject = p_subject AND EXISTS (
                SELECT FROM jsonb_to_recordset(p_calls) AS e(node text, execution_id text)
                WHERE e.node = '*' OR c.node_id = e.node AND c.execution_id = e.execution_id)
            OR strpos(c.subject, '.') > 0 AND split_part(c.subject, '.', 2)::bigint = ANY (p_maps));
    IF v_calls IS NULL THEN
        RETURN;
    END IF;
    UPDATE df.instances i SET status = 'cancelled', updated_at = clock_timestamp(),
        cancel_reason = format('its parent %s has ended it', left(p_subject, 8))
    WHERE i.id = ANY (v_calls) AND i.status IN ('pending', 'running');
    -- Nobody waits for the answer.
    DELETE FROM df.signals s WHERE s.instance_id = left(p_subject, 8) AND s.name = ANY (v_replies) AND s.consumed_at IS NULL;
END
$$;
COMMENT ON FUNCTION df._end_calls(text, jsonb, bigint[]) IS
    'Cancels the children of calls that have ended, and the children of those.';

-- The child of a call that the parent waited for when it ended, if it has completed.
CREATE OR REPLACE FUNCTION df._completed_child(p_instance text, p_node text, p_execution text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT c.child_id::text FROM df._calls c JOIN df.instances i ON i.id = c.child_id AND i.status = 'completed'
WHERE c.subject = p_instance AND c.node_id = p_node AND c.execution_id = p_execution
$$;
COMMENT ON FUNCTION df._completed_child(text, text, text) IS 'Internal: the child of an execution of a call, when it has completed.';

-- A parent goes on (df.redrive) that had ended before it was told that a child has completed: it is told under the stamp that its call has
-- now. The signal has the name of dev.perdure.graph.CallNode: a UUID of version 3.
CREATE OR REPLACE FUNCTION df._tell_again(p_instance text, p_kept jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_call record;
    v_hash bytea;
    v_reply text;
BEGIN
    FOR v_call IN SELECT c.*, e.value ->> 'execution_id' AS stamp, i AS child
                  FROM jsonb_each(p_kept) AS e JOIN df._calls c ON c.subject = p_instance AND c.node_id = e.key
                      AND c.child_id = e.value -> 'bindings' ->> 'child'
                  JOIN df.instances i ON i.id = c.child_id LOOP
        v_hash := decode(md5(convert_to(concat(v_call.node_id, ' ', v_call.stamp), 'UTF8')), 'hex');
        v_hash := set_byte(set_byte(v_hash, 6, get_byte(v_hash, 6) & 15 | 48), 8, get_byte(v_hash, 8) & 63 | 128);
        v_reply := concat('df.call ', encode(v_hash, 'hex')::uuid);
        UPDATE df._calls c SET execution_id = v_call.stamp, reply = v_reply WHERE c.child_id = v_call.child_id;
        INSERT INTO df.signals (instance_id, name, data) VALUES (left(p_instance, 8), v_reply, df._child_end(v_call.child, v_call.name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._tell_again(text, jsonb) IS
    'Internal: brings the ends of children that have completed to a parent, or an item of one, that goes on; the entries of its calls by node.';

CREATE OR REPLACE FUNCTION df._child_note(instance_id text, node_id text, execution_id text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT format('version %s, child %s', c.version, c.child_id) FROM df.children c
            WHERE c.parent_id = _child_note.instance_id AND c.node_id = _child_note.node_id AND c.execution_id = _child_note.execution_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._child_note(text, text, text) IS 'Internal: the note of df.explain on a call.';

-- The number stands second, as in the one without children: list_instances(NULL, NULL) means that one.
CREATE OR REPLACE FUNCTION df.list_instances(
    include_children boolean, limit_count integer DEFAULT 100, status_filter text DEFAULT NULL, label_filter text DEFAULT NULL)
RETURNS TABLE (instance_id text, label text, status text, parent_id text, output text, created_at timestamptz, completed_at timestamptz)
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
    SELECT i.id::text, i.label, i.status, i.parent_id::text, df._output(i.status, i.output, i.cancel_reason), i.created_at, i.completed_at
    FROM df.instances i
    WHERE (list_instances.include_children OR i.parent_id IS NULL) AND (only_of IS NULL OR i.submitted_by = only_of)
        AND (status_filter IS NULL OR i.status = status_filter) AND (label_filter IS NULL OR i.label = label_filter)
    ORDER BY i.created_at DESC, i.id
    LIMIT list_instances.limit_count;
END
$$;
COMMENT ON FUNCTION df.list_instances(boolean, integer, text, text) IS
    'Your instances, the newest first; with those that were started by df.call when include_children is true.';

REVOKE EXECUTE ON FUNCTION df._change_definition() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._start_child() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._tell_parent() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._child_end(df.instances, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._completed_child(text, text, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._tell_again(text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._end_calls(text, jsonb, bigint[]) FROM PUBLIC;
