-- Who may use Perdure (specification 2.8, 2.9, 3.6).

-- The word PUBLIC means everybody, in any case of letters, unless a role really has that name.
CREATE OR REPLACE FUNCTION df._grantee(p_role text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF p_role IS NULL THEN
        RAISE EXCEPTION 'the role must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF lower(p_role) = 'public' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_role) THEN
        RETURN 'PUBLIC';
    END IF;
    RETURN quote_ident(p_role);
END
$$;
COMMENT ON FUNCTION df._grantee(text) IS 'Internal: a role as GRANT and REVOKE want it.';

-- As the tables of grants keep it.
CREATE OR REPLACE FUNCTION df._grantee_oid(p_role text) RETURNS oid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN CASE WHEN df._grantee(p_role) = 'PUBLIC' THEN 0 ELSE quote_ident(p_role)::regrole::oid END;
END
$$;
COMMENT ON FUNCTION df._grantee_oid(text) IS 'Internal: the oid of a role, 0 for PUBLIC.';

-- What a submitter needs, in the order in which it is granted. Revoking goes the other way.
CREATE OR REPLACE FUNCTION df._privileges() RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT ARRAY[
    'SELECT ON df.instances',
    'UPDATE (status, updated_at, cancel_reason) ON df.instances',
    'SELECT ON df.nodes',
    'INSERT (id, label, root_node, submitted_by, database, vars, idempotency_key, graph) ON df.instances',
    'INSERT (id, instance_id, node_type, query, result_name, left_node, right_node, submitted_by, database) ON df.nodes',
    'INSERT (id, instance_id, node_type, query, result_name, left_node, right_node, submitted_by, database) ON df._nodes',
    'SELECT, INSERT (name, value, owner), UPDATE (value, unset) ON df.vars',
    'INSERT (instance_id, submitted_by) ON df._freed_keys',
    'SELECT ON df.map_items',
    'SELECT ON df._map_progress',
    'INSERT (instance_id, node_id, max_concurrent, submitted_by) ON df._map_changes',
    'INSERT (instance_id, submitted_by, from_node, vars) ON df._redrives',
    'INSERT (id, root_node, submitted_by, forked_from, from_node, replaced, graph, vars, idempotency_key) ON df._forks',
    'INSERT (submitted_by, action, name, settings) ON df._queue_changes',
    'INSERT (id, label, root_node, submitted_by, database, vars, idempotency_key, graph, queue, key, priority, start_at, dedup, on_duplicate, debounce) ON df._start_requests',
    'INSERT (submitted_by, subject, node_id, execution_id, reply, queue, key) ON df._section_requests',
    'SELECT ON df.queues',
    'SELECT ON df._held_starts',
    'SELECT ON df._queued_starts',
    'INSERT (owner, name, action, role, graph, params, comment) ON df._definition_changes',
    'INSERT (parent_id, submitted_by, subject, node_id, execution_id, reply, owner, name, version, graph, vars) ON df._child_starts',
    'SELECT ON df.definitions',
    'SELECT ON df.children',
    'INSERT (action, kind, number, token, lease, document, words, documents) ON df._activity_calls',
    'SELECT ON df._claimed_activities',
    'SELECT ON df.activities',
    'SELECT ON df.activity_kinds',
    'SELECT ON df.tasks',
    'SELECT ON df._open_approvals',
    'SELECT ON df.executions',
    'SELECT ON df.schedules',
    'SELECT ON df.schedule_runs',
    'INSERT (submitted_by, name, action, cron, timezone, overlap, catch_up, jitter, graph, options, reason, from_time, to_time) ON df._schedule_changes',
    'SELECT ON df.signals',
    'INSERT (instance_id, name, data) ON df.signals',
    'SELECT ON df._events',
    'SELECT, INSERT (instance_id, submitted_by, attributes) ON df._attributes',
    'SELECT ON df._attribute_entries',
    'SELECT ON df._instance_stamps',
    'SELECT ON df._node_states']
$$;
COMMENT ON FUNCTION df._privileges() IS 'Internal: the privileges on tables that df.grant_usage grants.';

-- After REVOKE ALL ON SCHEMA public FROM PUBLIC, or with a search_path of its own, a role finds no operator, and is told to add
-- type casts.
CREATE OR REPLACE FUNCTION df._warn_of_operators(p_role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    everybody boolean := df._grantee(p_role) = 'PUBLIC';
    who text := CASE WHEN everybody THEN 'public' ELSE p_role END;
    home name := (SELECT n.nspname FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
                  WHERE o.oprname = '~>' AND o.oprcode = 'df.seq(text,text)'::regprocedure ORDER BY n.nspname LIMIT 1);
    path text := coalesce((
        SELECT substr(c.setting, length('search_path=') + 1)
        FROM pg_db_role_setting s, unnest(s.setconfig) AS c(setting)
        WHERE c.setting LIKE 'search\_path=%'
            AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
            AND s.setrole IN (0, coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = who AND NOT everybody), 0))
        ORDER BY s.setrole DESC, s.setdatabase DESC LIMIT 1), '"$user", public');
BEGIN
    IF home IS NULL THEN
        RAISE WARNING 'the operators ~> |=> & | ?> !> @> do not exist in this database'
            USING HINT = 'Functions do the same: df.seq, df.as, df.join, df.race, df.if, df.loop.';
    ELSIF NOT has_schema_privilege(who, home, 'USAGE') THEN
        RAISE WARNING 'role "%" finds none of the operators ~> |=> & | ?> !> @>: it has no USAGE on schema "%"', p_role, home
            USING HINT = format('GRANT USAGE ON SCHEMA %I TO %s; or use functions: df.seq, df.as, df.join, df.race, df.if, df.loop.',
                home, df._grantee(p_role));
    ELSIF home <> 'pg_catalog' AND NOT EXISTS (
            SELECT FROM regexp_split_to_table(path, ',') AS entry
            WHERE replace(btrim(entry, E' \t"'), '""', '"') = home) THEN
        RAISE WARNING 'role "%" finds none of the operators ~> |=> & | ?> !> @>: schema "%" is not in its search_path, %', p_role, home, path
            USING HINT = format('ALTER ROLE … SET search_path = …, %I; or use functions: df.seq, df.as, df.join, df.race, df.if, df.loop.', home);
    END IF;
END
$$;
COMMENT ON FUNCTION df._warn_of_operators(text) IS 'Internal: warns when a role cannot find the operators.';

CREATE OR REPLACE FUNCTION df.grant_usage(
    p_role text, include_http boolean DEFAULT false, with_grant boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    grantee text := df._grantee(p_role);
    may_grant text := CASE WHEN with_grant THEN ' WITH GRANT OPTION' ELSE '' END;
    privilege text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA df TO %s%s', grantee, may_grant);
    IF include_http THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION df.http(text,text,text,jsonb,integer), '
            'df.http_multipart(text,text,jsonb,jsonb,integer) TO %s%s', grantee, may_grant);
    END IF;
    IF with_grant THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION df.grant_usage(text,boolean,boolean), df.revoke_usage(text), '
            'df.metrics() TO %s%s', grantee, may_grant);
    END IF;
    FOREACH privilege IN ARRAY df._privileges() LOOP
        EXECUTE format('GRANT %s TO %s%s', privilege, grantee, may_grant);
    END LOOP;
    RAISE NOTICE 'pg_durable: granted df usage privileges to "%"', p_role;
    PERFORM df._warn_of_operators(p_role);
END
$$;
COMMENT ON FUNCTION df.grant_usage(text, boolean, boolean) IS
    'Grants a role (or PUBLIC) the right to start workflows, optionally with HTTP steps and with the right to grant it on.';

CREATE OR REPLACE FUNCTION df.revoke_usage(p_role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    grantee text := df._grantee(p_role);
    privileges text[] := df._privileges();
    sensitive text;
BEGIN
    FOREACH sensitive IN ARRAY ARRAY[
        'df.http(text,text,text,jsonb,integer)', 'df.http_multipart(text,text,jsonb,jsonb,integer)',
        'df.grant_usage(text,boolean,boolean)', 'df.revoke_usage(text)', 'df.metrics()'] LOOP
        BEGIN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM %s CASCADE', sensitive, grantee);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL; -- a caller who may not grant this has not granted it
        END;
    END LOOP;
    FOR i IN REVERSE cardinality(privileges) .. 1 LOOP
        EXECUTE format('REVOKE %s FROM %s CASCADE', privileges[i], grantee);
    END LOOP;
    EXECUTE format('REVOKE USAGE ON SCHEMA df FROM %s CASCADE', grantee);
    RAISE NOTICE 'pg_durable: revoked df usage privileges granted by "%" from "%"', current_user, p_role;
END
$$;
COMMENT ON FUNCTION df.revoke_usage(text) IS 'Revokes the caller''s grants to a role (or PUBLIC) by df.grant_usage.';

-- A setting that is nonsense, or whose name is misspelt, would be noticed by some user's call much later.
CREATE OR REPLACE FUNCTION df._check_setting() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    range int8range;
BEGIN
    IF new.name IN ('enable_superuser_instances', 'notify') THEN
        IF lower(new.value) NOT IN ('on', 'true', 'yes', '1', 'off', 'false', 'no', '0') THEN
            RAISE EXCEPTION 'invalid value for setting "%": "%"', new.name, new.value
                USING ERRCODE = 'invalid_parameter_value', HINT = 'on or off';
        END IF;
    ELSIF new.name = 'unknown_names' THEN
        IF lower(new.value) NOT IN ('refuse', 'ignore') THEN
            RAISE EXCEPTION 'invalid value for setting "%": "%"', new.name, new.value
                USING ERRCODE = 'invalid_parameter_value', HINT = 'refuse or ignore';
        END IF;
    ELSIF new.name IN ('loopback', 'loopback_server') THEN
        IF new.value ~ '^\s*$' THEN
            RAISE EXCEPTION 'invalid value for setting "%": it is empty', new.name
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Delete the row for the default.';
        END IF;
    ELSE
        range := CASE new.name
            WHEN 'list_instances_max_limit' THEN '[1,1000000]'
            WHEN 'max_new_transaction_starts' THEN '[1,1000]'
            WHEN 'new_transaction_start_timeout' THEN '[1,3600]' END;
        IF range IS NULL THEN
            RAISE EXCEPTION 'there is no setting "%"', new.name
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'There are enable_superuser_instances, list_instances_max_limit, loopback, loopback_server, max_new_transaction_starts, new_transaction_start_timeout, notify and unknown_names. Settings perdure.* belong to the worker.';
        ELSIF NOT (CASE WHEN new.value ~ '^[0-9]{1,9}$' THEN new.value::bigint <@ range ELSE new.value IS NULL END) THEN
            RAISE EXCEPTION 'invalid value for setting "%": "%"', new.name, new.value
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('A whole number from %s to %s.', lower(range), upper(range) - 1);
        END IF;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_setting() IS 'Internal: checks name and value of a setting; NULL means the default.';
CREATE OR REPLACE TRIGGER settings_check BEFORE INSERT OR UPDATE ON df.settings
    FOR EACH ROW EXECUTE FUNCTION df._check_setting();

-- What every submitter may read; USAGE on the schema is the gate.
GRANT SELECT ON df.settings, df._worker_epoch, df._wake, df._logins TO PUBLIC;

-- Taken from PUBLIC once. A later run of this file must not take away what an administrator has granted since.
DO $$
DECLARE
    sensitive regprocedure;
BEGIN
    FOREACH sensitive IN ARRAY ARRAY[
        'df.http(text,text,text,jsonb,integer)', 'df.http_multipart(text,text,jsonb,jsonb,integer)', 'df.metrics()',
        'df.grant_usage(text,boolean,boolean)', 'df.revoke_usage(text)']::regprocedure[] LOOP
        IF (SELECT proacl FROM pg_catalog.pg_proc WHERE oid = sensitive) IS NULL THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', sensitive);
        END IF;
    END LOOP;
END
$$;
