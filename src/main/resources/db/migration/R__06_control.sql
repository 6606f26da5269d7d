-- Control of instances, variables, and df.explain (specification 2.2 to 2.6).

CREATE OR REPLACE FUNCTION df._refuse_in_workflow(function_name text, advice text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF current_setting('df.in_workflow', true) = 'true' THEN
        RAISE EXCEPTION '%() cannot be called inside a workflow - %', function_name, advice
            USING ERRCODE = 'internal_error';
    END IF;
END
$$;
COMMENT ON FUNCTION df._refuse_in_workflow(text, text) IS 'Internal: raises an error when the caller is a workflow step.';

---------------------------------------------------------------------------------------------------------------------
-- Instances
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.status(instance_id text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT i.status FROM df.instances i WHERE i.id = status.instance_id);
END
$$;
COMMENT ON FUNCTION df.status(text) IS
    'Status of an instance: pending, running, completed, failed or cancelled; NULL when no such instance is visible to you.';

CREATE OR REPLACE FUNCTION df.result(instance_id text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT n.result::text
            FROM df.instances i JOIN df.nodes n ON n.instance_id = i.id AND n.id = i.root_node
            WHERE i.id = result.instance_id AND n.status = 'completed');
END
$$;
COMMENT ON FUNCTION df.result(text) IS 'Result of the root node as JSON text; NULL until it has completed.';

-- A row that is visible and of a transaction that has not ended is of this one, or of one of its subtransactions.
CREATE OR REPLACE FUNCTION df._is_uncommitted(row_xmin xid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    latest bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    full_xmin bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NULL THEN
        RETURN false;
    END IF;
    -- Of the present round of 2^32 transactions, or of the one before.
    full_xmin := (latest >> 32 << 32) + row_xmin::text::bigint;
    IF full_xmin > latest + 2147483648 THEN
        full_xmin := full_xmin - 4294967296;
    END IF;
    RETURN full_xmin > 0 AND pg_xact_status(full_xmin::text::xid8) IS NOT DISTINCT FROM 'in progress';
END
$$;
COMMENT ON FUNCTION df._is_uncommitted(xid) IS 'Internal: whether a visible row was written by the present transaction.';

CREATE OR REPLACE FUNCTION df.await_instance(instance_id text, timeout_seconds integer DEFAULT 30) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    current_status text;
    uncommitted boolean;
    deadline timestamptz := clock_timestamp() + make_interval(secs => timeout_seconds);
    began timestamptz := clock_timestamp();
BEGIN
    IF current_setting('df.in_workflow', true) = 'true' THEN
        PERFORM df._refuse_in_workflow('df.await_instance', 'it would block a worker thread (and self-deadlock if waiting on the current instance). Use df.signal() and df.wait_for_signal() for cross-workflow coordination.');
    END IF;
    IF timeout_seconds <= 0 THEN
        RAISE EXCEPTION 'Timeout must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Each statement of a volatile function has a new snapshot in READ COMMITTED, so that this sees what others commit.
    LOOP
        SELECT i.status, i.status IN ('pending', 'running') AND df._is_uncommitted(i.xmin) INTO current_status, uncommitted
        FROM df.instances i WHERE i.id = await_instance.instance_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Failed to query status: InvalidPosition'
                USING ERRCODE = 'data_exception', DETAIL = format('No instance %s is visible to you.', instance_id);
        ELSIF current_status IS NULL THEN
            RAISE EXCEPTION 'Instance not found: %', instance_id USING ERRCODE = 'data_exception';
        ELSIF current_status IN ('completed', 'failed', 'cancelled') THEN
            PERFORM df._mark_helper('df.await_instance()');
            RETURN current_status;
        ELSIF uncommitted THEN
            RAISE EXCEPTION 'Instance % was started in this transaction, and runs after its COMMIT: it cannot be waited for here', instance_id
                USING ERRCODE = 'data_exception',
                      HINT = 'Start it in one statement and wait for it in another: SELECT df.start(...); then SELECT df.await_instance(...).';
        ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'Instance % (status: %) cannot be waited for in a transaction whose isolation level is %: it does not see what others commit', instance_id, current_status, current_setting('transaction_isolation')
                USING ERRCODE = 'data_exception',
                      HINT = 'SET default_transaction_isolation = ''read committed''; before the statement that waits.';
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
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RAISE WARNING 'df.wait_for_completion() is deprecated; use df.await_instance() instead';
    RETURN df.await_instance(instance_id, timeout_seconds);
END
$$;
COMMENT ON FUNCTION df.wait_for_completion(text, integer) IS 'Deprecated name of df.await_instance.';

CREATE OR REPLACE FUNCTION df.cancel(instance_id text, reason text DEFAULT 'Cancelled by user') RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM df.instances i WHERE i.id = cancel.instance_id) THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
    END IF;
    -- Touches this row only: a trigger tells the worker, which stops what is running and writes the nodes.
    UPDATE df.instances i SET status = 'cancelled', updated_at = now(), cancel_reason = cancel.reason
    WHERE i.id = cancel.instance_id AND i.status IN ('pending', 'running');
    RETURN format('Instance %s cancelled: %s', instance_id, reason);
END
$$;
COMMENT ON FUNCTION df.cancel(text, text) IS
    'Cancels an instance, when this transaction commits. An instance that has ended stays as it is.';

-- NULL data is what clients pass that leave an argument out: the default.
CREATE OR REPLACE FUNCTION df.signal(instance_id text, signal_name text, signal_data text DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    instance_status text;
    definition text;
    payload jsonb;
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL), df._require(1, 'signal_name', signal_name IS NOT NULL);
    IF instance_id = '' THEN
        RAISE EXCEPTION 'Instance ID cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF signal_name = '' THEN
        RAISE EXCEPTION 'Signal name cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT i.status, i.graph INTO instance_status, definition FROM df.instances i WHERE i.id = signal.instance_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
    ELSIF instance_status IN ('completed', 'failed', 'cancelled') THEN
        RAISE NOTICE 'No signal is sent: instance % is %', instance_id, instance_status;
        RETURN 'OK';
    ELSIF strpos(definition, signal_name) = 0 AND signal_name ~ '^[A-Za-z0-9_. :-]+$' THEN
        -- As it would stand in the text of a wait.
        RAISE NOTICE 'Nothing in instance % waits for a signal of the name %', instance_id, quote_literal(signal_name)
            USING HINT = 'SELECT query FROM df.nodes WHERE node_type = ''SIGNAL'' lists the names. The signal is kept all the same.';
    END IF;
    BEGIN
        payload := coalesce(signal_data, '{}')::jsonb;
    EXCEPTION
        -- No JSON, or none that jsonb can hold: a number out of its range, too many levels.
        WHEN invalid_text_representation OR numeric_value_out_of_range OR statement_too_complex THEN
            payload := to_jsonb(signal_data);
        WHEN untranslatable_character THEN
            RAISE EXCEPTION 'Failed to send signal: %', sqlerrm USING ERRCODE = 'invalid_parameter_value';
    END;
    IF octet_length(signal_name) > 1024 OR octet_length(payload::text) > 1048576 THEN
        RAISE EXCEPTION 'Failed to send signal: % has % bytes, more than %',
                CASE WHEN octet_length(signal_name) > 1024 THEN 'its name' ELSE 'its data' END,
                CASE WHEN octet_length(signal_name) > 1024 THEN octet_length(signal_name) ELSE octet_length(payload::text) END,
                CASE WHEN octet_length(signal_name) > 1024 THEN 1024 ELSE 1048576 END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Put the data into a table and send the key of its row.';
    END IF;
    INSERT INTO df.signals (instance_id, name, data) VALUES (signal.instance_id, signal_name, payload);
    PERFORM df._wake_worker();
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.signal(text, text, text) IS
    'Sends a signal to an instance, when this transaction commits. It is kept until a wait of that name consumes it.';

-- What clients pass that have a type for JSON. A literal without a type goes to the text form.
CREATE OR REPLACE FUNCTION df.signal(instance_id text, signal_name text, signal_data jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df.signal(instance_id, signal_name, signal_data::text);
END
$$;
COMMENT ON FUNCTION df.signal(text, text, jsonb) IS
    'Sends a signal with jsonb data to an instance, when this transaction commits. It is kept until a wait of that name consumes it.';

CREATE OR REPLACE FUNCTION df.run(instance_id text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN coalesce('Triggered run for instance: ' || instance_id, 'Triggered run for all pending instances');
END
$$;
COMMENT ON FUNCTION df.run(text) IS 'Does nothing: instances run by themselves. Exists for compatibility.';

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
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT quote_ident(current_user)::regrole
$$;
COMMENT ON FUNCTION df._variable_owner() IS 'Internal: the owner of the variables, which is the effective role.';

CREATE OR REPLACE FUNCTION df.setvar(name text, value text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
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
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT v.value FROM df.vars v WHERE v.owner = df._variable_owner() AND v.name = getvar.name);
END
$$;
COMMENT ON FUNCTION df.getvar(text) IS 'The value of a variable of the current role, or NULL.';

CREATE OR REPLACE FUNCTION df.unsetvar(name text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
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
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    PERFORM df._refuse_in_workflow('df.clearvars', 'manage variables before starting the workflow');
    UPDATE df.vars v SET unset = true WHERE v.owner = df._variable_owner();
    PERFORM df._mark_helper('df.clearvars()');
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.clearvars() IS 'Removes all variables of the current role.';

