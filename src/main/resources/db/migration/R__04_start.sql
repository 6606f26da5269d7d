-- df.start: from node text to an instance (specification 2.1).
--
-- Entering a function with a SET clause costs about a microsecond for each setting, and setting up an expression of PL/pgSQL in
-- each transaction more than that: so the common case is few functions and few expressions.

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
    PERFORM pg_notify(w.channel, '')
    FROM df._wake w
    WHERE w.idle AND NOT EXISTS (SELECT FROM df.settings s WHERE s.name = 'notify'
                                 AND lower(s.value) IN ('off', 'false', 'no', '0'));
END
$$;
COMMENT ON FUNCTION df._wake_worker() IS 'Internal: sends NOTIFY when the worker is idle.';

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
        RAISE EXCEPTION 'options of df.start() must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO wrong FROM jsonb_object_keys(options) AS key
    WHERE key NOT IN ('attributes', 'deadline', 'idempotency_key', 'timeout', 'vars') AND NOT key = ANY (df._hold_options()) LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option "%" for df.start(): there are attributes, deadline, idempotency_key, timeout, vars, %', wrong,
                array_to_string(df._hold_options(), ', ')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example {"idempotency_key": "order 17", "vars": {"name": "value"}, "timeout": "2 hours"}.';
    END IF;
    PERFORM df._check_hold_options('df.start', options);
    -- The length keeps an index entry, of up to four bytes a character, within what an index page takes.
    IF options ? 'idempotency_key' AND NOT (jsonb_typeof(options -> 'idempotency_key') = 'string'
            AND length(options ->> 'idempotency_key') BETWEEN 1 AND 255) THEN
        RAISE EXCEPTION 'option idempotency_key of df.start() must be a string of 1 to 255 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF options ? 'attributes' THEN
        PERFORM df._check_attributes('option attributes of df.start()', options -> 'attributes');
    END IF;
    IF options ? 'vars' THEN
        IF jsonb_typeof(options -> 'vars') <> 'object' THEN
            RAISE EXCEPTION 'option vars of df.start() must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT key INTO wrong FROM jsonb_each(options -> 'vars')
        WHERE jsonb_typeof(value) IN ('object', 'array') LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'variable "%" in option vars of df.start() must be a string, a number or a boolean', wrong
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_start_options(jsonb) IS 'Internal: checks the options of df.start.';

-- The deadline of an instance is a TIMEOUT around all of it, which costs those nothing that have none. A time limit counts from the start.
CREATE OR REPLACE FUNCTION df._with_deadline(root text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    option text := CASE WHEN options ? 'timeout' THEN 'timeout' ELSE 'deadline' END;
    given text := options ->> option;
    span interval;
    moment timestamptz;
BEGIN
    IF (options ?| '{timeout,deadline}') IS NOT TRUE THEN
        RETURN root;
    ELSIF options ?& '{timeout,deadline}' THEN
        RAISE EXCEPTION 'options of df.start() hold both timeout and deadline: give one of them' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(options -> option) <> 'string' THEN
        RAISE EXCEPTION 'option % of df.start() must be a string, such as %', option,
            CASE option WHEN 'timeout' THEN '"2 hours"' ELSE '"2026-12-01T08:00:00Z"' END USING ERRCODE = 'invalid_parameter_value';
    END IF;
    BEGIN
        IF option = 'timeout' THEN
            span := given::interval;
        ELSE
            moment := given::timestamptz;
        END IF;
    EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION 'option % of df.start(): %', option, sqlerrm USING ERRCODE = 'invalid_parameter_value';
    END;
    IF option = 'timeout' AND (extract(epoch FROM span) BETWEEN 0.001 AND 315576000) IS NOT TRUE THEN
        RAISE EXCEPTION 'option timeout of df.start() must be between 1 millisecond and 10 years, not %', given USING ERRCODE = 'invalid_parameter_value';
    END IF;
    moment := coalesce(moment, clock_timestamp() + span);
    IF NOT moment BETWEEN '2000-01-01Z' AND '9999-12-30Z' THEN
        RAISE EXCEPTION 'option deadline of df.start() must be between the years 2000 and 9999, not %', given USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN concat('{"node_type":"TIMEOUT","left_node":', root, ',"query":', to_json(format('{"deadline":"%s"}',
        to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))), '}');
END
$$;
COMMENT ON FUNCTION df._with_deadline(text, jsonb) IS 'Internal: a graph with the deadline that the options of df.start say.';

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

CREATE OR REPLACE FUNCTION df._notice_if_ended(instance_id text, key text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    ended text := (SELECT i.status FROM df.instances i
                   WHERE i.id = _notice_if_ended.instance_id AND i.status IN ('completed', 'failed', 'cancelled'));
BEGIN
    IF ended IS NOT NULL THEN
        RAISE NOTICE 'Nothing is started: instance % was started under the idempotency key %, and is %', instance_id, quote_literal(key), ended
            USING HINT = format('SELECT df.free_idempotency_key(%L); lets the next start under this key start an instance.', key);
    END IF;
END
$$;
COMMENT ON FUNCTION df._notice_if_ended(text, text) IS 'Internal: says that the instance of an idempotency key has ended.';

CREATE OR REPLACE FUNCTION df.free_idempotency_key(key text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    holder record;
BEGIN
    SELECT i.id, i.status, i.submitted_by INTO holder FROM df.instances i
    WHERE i.submitted_by = quote_ident(current_user)::regrole AND i.idempotency_key = key;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF holder.status IN ('pending', 'running') THEN
        RAISE EXCEPTION 'Instance % holds the idempotency key % and has not ended (status: %)', holder.id, quote_literal(key), holder.status
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Wait for it: SELECT df.await_instance(%L); or end it: SELECT df.cancel(%L);', holder.id, holder.id);
    END IF;
    INSERT INTO df._freed_keys (instance_id, submitted_by) VALUES (holder.id, holder.submitted_by);
    RETURN holder.id;
END
$$;
COMMENT ON FUNCTION df.free_idempotency_key(text) IS
    'Frees an idempotency key of the current role for the next df.start. Returns the id of the ended instance that held it, or NULL when no instance has the key; raises 55000 while that instance has not ended.';

-- One that an earlier version of this file made, and that no call could be told apart from.
DROP FUNCTION IF EXISTS df.start(text, text, text, text, jsonb);

CREATE OR REPLACE FUNCTION df.start(
    fut text, label text DEFAULT NULL, database text DEFAULT NULL, transaction_mode text DEFAULT 'caller')
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    drawn uuid := gen_random_uuid();
    new_id text;
    -- The node that builders make of a statement. Behind a helper, and where there may be none but comments, it is looked at more closely.
    node text := CASE
        WHEN ltrim(fut, E' \t\n\r') ~ '^[A-Za-z(]' AND coalesce(current_setting('df.non_future_helper', true), '') = ''
        THEN df.sql(fut) ELSE fut END;
BEGIN
    IF coalesce(transaction_mode, 'caller') = 'caller' AND database IS NULL AND df._is_printed(node) THEN
        -- Nothing speaks against the role, mostly, and no other instance has the id: then this is all. ON CONFLICT sees rows of
        -- other roles too, and costs no subtransaction.
        INSERT INTO df.instances (id, label, root_node, submitted_by, vars, graph)
        SELECT left(drawn::text, 8), start.label, right(drawn::text, 8), r.oid,
               (SELECT jsonb_object_agg(v.name, v.value) FROM df.vars v WHERE v.owner = r.oid AND v.value IS NOT NULL),
               node
        FROM pg_roles r JOIN pg_namespace s ON s.nspname = 'df'
        WHERE r.rolname = current_user
            AND r.rolcanlogin AND NOT r.rolsuper AND r.rolconnlimit <> 0 AND r.rolvaliduntil IS NULL
            AND r.oid <> s.nspowner AND NOT pg_has_role(r.oid, s.nspowner, 'MEMBER')
            AND has_database_privilege(r.oid, current_database(), 'CONNECT')
            AND NOT EXISTS (SELECT FROM df._logins l WHERE l.role_oid = r.oid
                            AND l.checked_at > clock_timestamp() - interval '1 minute')
        ON CONFLICT DO NOTHING
        RETURNING id INTO new_id;
        IF new_id IS NOT NULL THEN
            RETURN new_id;
        END IF;
    END IF;
    RETURN df._start(fut, label, database, transaction_mode, NULL);
END
$$;
COMMENT ON FUNCTION df.start(text, text, text, text) IS
    'Starts a workflow as the current role, in the current transaction; returns the id of the instance.';

-- The first argument is varchar so that a call without options, which both would take, means the one above: text is the preferred type.
-- Rights are granted on that one; who may not call it may not call this one either.
CREATE OR REPLACE FUNCTION df.start(
    fut character varying, label text DEFAULT NULL, database text DEFAULT NULL, transaction_mode text DEFAULT 'caller',
    options jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    IF options IS NULL THEN
        RETURN df.start(fut::text, label, database, transaction_mode);
    ELSIF NOT has_function_privilege('df.start(text, text, text, text)', 'EXECUTE') THEN
        RAISE EXCEPTION 'permission denied for function start' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN df._start(fut, label, database, transaction_mode, options);
END
$$;
COMMENT ON FUNCTION df.start(character varying, text, text, text, jsonb) IS
    'Starts a workflow as the current role; options are a JSON object with vars, attributes, idempotency_key, timeout or deadline, queue, key, priority, start_at or delay, dedup, on_duplicate, debounce.';

-- A session in a template keeps CREATE DATABASE from working, for everybody.
CREATE OR REPLACE FUNCTION df._check_database(database text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    there record;
BEGIN
    IF database IS NULL THEN
        RETURN;
    END IF;
    SELECT d.datistemplate, d.datallowconn INTO there FROM pg_database d
    WHERE d.datname = _check_database.database::name AND d.datname::text = _check_database.database;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'database "%" does not exist', database USING ERRCODE = 'invalid_parameter_value';
    ELSIF there.datistemplate THEN
        RAISE EXCEPTION 'database "%" is a template: steps that run in it would keep CREATE DATABASE from working', database
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Name another database. If it is no template: ALTER DATABASE %I IS_TEMPLATE false;', database);
    ELSIF NOT there.datallowconn THEN
        RAISE EXCEPTION 'database "%" does not allow connections', database
            USING ERRCODE = 'invalid_parameter_value', HINT = format('ALTER DATABASE %I ALLOW_CONNECTIONS true;', database);
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_database(text) IS 'Internal: refuses a database in which no steps can or should run.';

-- Every start, one check after the other and in the order of the specification. Called by df.start.
CREATE OR REPLACE FUNCTION df._start(fut text, label text, database text, transaction_mode text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    root text;
    submitter oid;
    once text;
    existing text;
    captured jsonb;
    drawn uuid;
    new_id text;
BEGIN
    PERFORM df._require(0, 'fut', fut IS NOT NULL);
    IF lower(transaction_mode) NOT IN ('caller', 'new') THEN
        RAISE EXCEPTION 'invalid transaction_mode "%" for df.start(): expected ''caller'' or ''new''', transaction_mode
            USING ERRCODE = 'invalid_parameter_value';
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
    root := CASE WHEN df._is_printed(fut) THEN fut ELSE df._parse_root(fut) END;
    IF database IS NOT NULL THEN
        PERFORM df._check_database(database);
    END IF;
    submitter := df._submitter(false);
    IF once IS NOT NULL THEN
        existing := df._started_before(submitter, once);
        IF existing IS NOT NULL THEN
            PERFORM df._notice_if_ended(existing, once);
            RETURN existing;
        END IF;
    END IF;
    IF database IS NOT NULL AND NOT has_database_privilege(submitter, database, 'CONNECT') THEN
        RAISE EXCEPTION 'role "%" may not connect to database "%", where its steps would run', current_user, database
            USING ERRCODE = 'internal_error',
                  HINT = format('GRANT CONNECT ON DATABASE %I TO %I;', database, current_user::text);
    END IF;
    IF root <> fut OR NOT df._is_printed(root) THEN
        PERFORM df._check_graph(root);
    END IF;
    IF database <> current_database() AND strpos(root, '"CALL"') > 0 THEN
        RAISE EXCEPTION 'df.call is not possible in a workflow whose steps run in another database, here %', database
            USING ERRCODE = 'feature_not_supported', HINT = 'Leave database out, and start the workflow that needs it from there.';
    END IF;
    IF database <> current_database() AND strpos(root, '"WITH_QUEUE"') > 0 THEN
        RAISE EXCEPTION 'df.with_queue is not possible in a workflow whose steps run in another database, here %', database
            USING ERRCODE = 'feature_not_supported', HINT = 'Leave database out, or start the workflow in a queue: options => {"queue": …}.';
    END IF;
    PERFORM df._check_sections('df.start', root, options ->> 'queue');
    captured := df._start_vars(submitter, options);
    IF options ?| '{timeout,deadline}' THEN
        root := df._with_deadline(root, options);
        IF octet_length(root) > 8000 THEN
            -- It is one level deeper, and one node larger.
            PERFORM df._check_graph(root);
        END IF;
    END IF;
    IF fut ~ '^(\s|;|--[^\n]*(\n|$)|/\*.*?\*/)*$' THEN
        RAISE NOTICE 'This workflow executes nothing: its only statement is empty';
    END IF;

    IF options ?| df._hold_options() THEN
        RETURN df._start_held(root, label, submitter, database, captured, once, options);
    END IF;

    -- Where another session is starting under the same key, this waits for that one's transaction; in REPEATABLE READ it then
    -- raises a serialization failure, since the row cannot be shown.
    FOR tries IN 1 .. 10 LOOP
        drawn := gen_random_uuid();
        INSERT INTO df.instances (id, label, root_node, submitted_by, database, vars, idempotency_key, graph)
        VALUES (left(drawn::text, 8), _start.label, right(drawn::text, 8), submitter, _start.database, captured, once, root)
        ON CONFLICT DO NOTHING
        RETURNING id INTO new_id;
        IF new_id IS NOT NULL THEN
            IF options ? 'attributes' THEN
                PERFORM df._put_attributes(new_id, options -> 'attributes');
            END IF;
            RETURN new_id;
        END IF;
        existing := df._started_before(submitter, once);
        IF existing IS NOT NULL THEN
            RETURN existing;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
        USING ERRCODE = 'internal_error';
END
$$;
COMMENT ON FUNCTION df._start(text, text, text, text, jsonb) IS 'Internal: df.start, when something about it is unusual.';

-- A text as builders print it was checked when it was built.
CREATE OR REPLACE FUNCTION df._checked_root(fut text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    root text := CASE WHEN df._is_printed(fut) THEN fut ELSE df._parse_root(fut) END;
BEGIN
    IF root <> fut OR NOT df._is_printed(root) THEN
        PERFORM df._check_graph(root);
    END IF;
    RETURN root;
END
$$;
COMMENT ON FUNCTION df._checked_root(text) IS 'Internal: the graph of a node text, which is checked unless a builder has done so.';

-- The query runs as the caller, and with the caller's settings, hence without a SET clause: everything else is qualified. It is a
-- cursor's, so that it is one query, and that its rows are read a thousand at a time.
CREATE OR REPLACE FUNCTION df.start_many(fut text, items text) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 100
AS $$
DECLARE
    what pg_catalog.record := df._check_many(fut, items);
    item pg_catalog.record;
    page pg_catalog.jsonb[] := '{}';
BEGIN
    FOR item IN EXECUTE items LOOP
        page := pg_catalog.array_append(page, pg_catalog.to_jsonb(item));
        IF pg_catalog.cardinality(page) OPERATOR(pg_catalog.=) 1000 THEN
            RETURN QUERY SELECT s.id FROM df._start_page(what.graph, what.submitter, page) AS s(id);
            page := '{}';
        END IF;
    END LOOP;
    RETURN QUERY SELECT s.id FROM df._start_page(what.graph, what.submitter, page) AS s(id);
END
$$;
COMMENT ON FUNCTION df.start_many(text, text) IS
    'Starts one instance of a workflow for each row of a query, whose columns are its variables; returns their ids in the order of the rows.';

CREATE OR REPLACE FUNCTION df._check_many(fut text, items text, OUT graph text, OUT submitter oid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._require(0, 'fut', fut IS NOT NULL), df._require(1, 'items', items IS NOT NULL);
    graph := df._checked_root(fut);
    submitter := df._submitter(false);
    PERFORM df._check_sections('df.start_many', graph, NULL);
END
$$;
COMMENT ON FUNCTION df._check_many(text, text) IS 'Internal: checks the arguments of df.start_many, and its caller.';

-- The ids are drawn first: the rows that they are for are counted when all are in.
CREATE OR REPLACE FUNCTION df._start_page(graph text, submitter oid, items jsonb[]) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    captured jsonb := coalesce((SELECT jsonb_object_agg(v.name, v.value) FROM df.vars v
                                WHERE v.owner = submitter::regrole AND v.value IS NOT NULL), '{}');
    ids text[];
    taken text[];
    new_vars jsonb[] := ARRAY(
        SELECT nullif(captured || coalesce((SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each_text(i.item) AS c
                                            WHERE c.value IS NOT NULL), '{}'), '{}')
        FROM unnest(items) WITH ORDINALITY AS i(item, place) ORDER BY i.place);
BEGIN
    ids := ARRAY(SELECT left(gen_random_uuid()::text, 8) FROM generate_series(1, cardinality(items)));
    FOR tries IN 1 .. 10 LOOP
        WITH inserted AS (
            INSERT INTO df.instances (id, root_node, submitted_by, vars, graph)
            SELECT n.id, left(gen_random_uuid()::text, 8), submitter, n.vars, graph
            FROM unnest(ids, new_vars) WITH ORDINALITY AS n(id, vars, place)
            WHERE NOT n.id = ANY (coalesce(taken, '{}'))
            ORDER BY n.place
            ON CONFLICT DO NOTHING
            RETURNING id)
        SELECT array_cat(taken, array_agg(i.id::text)) INTO taken FROM inserted AS i;
        IF coalesce(cardinality(taken), 0) = cardinality(items) THEN
            RETURN QUERY SELECT unnest(ids);
            RETURN;
        END IF;
        -- Those that somebody else has, or that were drawn twice, are drawn again.
        ids := ARRAY(
            SELECT CASE WHEN n.id = ANY (coalesce(taken, '{}')) AND NOT EXISTS (
                            SELECT FROM unnest(ids) WITH ORDINALITY AS m(id, place) WHERE m.id = n.id AND m.place < n.place)
                        THEN n.id ELSE left(gen_random_uuid()::text, 8) END
            FROM unnest(ids) WITH ORDINALITY AS n(id, place) ORDER BY n.place);
    END LOOP;
    RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
        USING ERRCODE = 'internal_error';
END
$$;
COMMENT ON FUNCTION df._start_page(text, oid, jsonb[]) IS 'Internal: starts one instance for each item, in one insert.';
