-- Addresses by which people and services outside of the database answer a step (ADR 240): {sys_signal_url:name} sends a signal,
-- {sys_decision_url:name} decides the approval that is open. The worker signs them, the HTTP API believes what a key has signed, and has
-- df._answer do it.

CREATE OR REPLACE FUNCTION df._address_key() RETURNS TABLE (id integer, key bytea)
LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_column
BEGIN
    -- Not when the schema is installed: rows that are replicated bring their own.
    IF NOT EXISTS (SELECT FROM df._address_keys k WHERE k.retired_at IS NULL) THEN
        INSERT INTO df._address_keys (id, key)
        SELECT coalesce(max(k.id), 0) + 1, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        FROM df._address_keys k
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT k.id, k.key FROM df._address_keys k WHERE k.retired_at IS NULL ORDER BY k.id DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION df._address_key() IS 'The key that signs addresses; draws the first one.';

CREATE OR REPLACE FUNCTION df.rotate_address_key(revoke boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    -- Longer than any address is valid.
    kept CONSTANT interval := '367 days';
BEGIN
    LOCK TABLE df._address_keys IN SHARE ROW EXCLUSIVE MODE;
    UPDATE df._address_keys k SET retired_at = now() WHERE k.retired_at IS NULL;
    PERFORM df._address_key();
    DELETE FROM df._address_keys k WHERE k.retired_at IS NOT NULL AND (revoke OR k.retired_at < now() - kept);
    RETURN (SELECT k.id FROM df._address_key() AS k);
END
$$;
COMMENT ON FUNCTION df.rotate_address_key(boolean) IS
    'Signs the addresses that steps hand out with a new key, within 10 seconds, and returns its number. Earlier addresses still work, unless revoke. Reserved to the owner of schema df.';

-- Whether a step has been activated again since it handed out an address, in another round of a loop or by df.redrive; or will be, since
-- nothing is known of it any more. An attempt of a df.retry is the same activation here: all of them hand out the same address.
CREATE OR REPLACE FUNCTION df._has_run_again(p_instance text, p_node text, p_stamp text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    attempt_bits CONSTANT integer := 32;
    v_now record;
    v_known boolean := false;
    v_had text[] := string_to_array(p_stamp, '::');
    v_has text[];
    v_scope text;
    v_is_retry boolean;
    v_before bigint;
    v_after bigint;
    v_ended timestamptz;
BEGIN
    FOR v_now IN
        (SELECT c.state -> 'nodes' -> p_node ->> 'execution_id' AS stamp, (c.state -> 'nodes' -> p_node ->> 'started_at')::timestamptz AS started_at
         FROM df._checkpoints c WHERE c.instance_id = p_instance AND c.state -> 'nodes' ? p_node ORDER BY c.version DESC LIMIT 1)
        UNION ALL
        SELECT r.execution_id, r.started_at FROM df._running r WHERE r.instance_id = p_instance AND r.node_id = p_node
    LOOP
        v_known := true;
        v_has := string_to_array(v_now.stamp, '::');
        -- A scope, its generation, the root node of a scope in it, its generation, and so on (dev.perdure.flow.ActivationId).
        FOR place IN 2 .. least(cardinality(v_had), cardinality(v_has)) BY 2 LOOP
            EXIT WHEN v_has[place - 1] IS DISTINCT FROM v_had[place - 1];
            CONTINUE WHEN v_has[place] = v_had[place];
            v_scope := CASE WHEN place = 2 THEN (SELECT i.root_node FROM df.instances i WHERE i.id = p_instance) ELSE v_has[place - 1] END;
            v_is_retry := EXISTS (
                SELECT FROM df.instances i CROSS JOIN LATERAL df._definition(i.root_node, i.graph) AS d
                WHERE i.id = p_instance AND d.id = v_scope AND d.node_type = 'RETRY'
                UNION ALL
                SELECT FROM df._nodes n WHERE n.instance_id = p_instance AND n.id = v_scope AND n.node_type = 'RETRY');
            v_before := v_had[place]::bigint;
            v_after := v_has[place]::bigint;
            IF place > 2 THEN
                EXIT WHEN v_is_retry OR v_after < v_before;
                RETURN true;
            END IF;
            -- Executions of the instance: rounds of a loop at its root, and what df.redrive has let go on.
            IF v_is_retry THEN
                v_before := 1 + (v_before >> attempt_bits);
                v_after := 1 + (v_after >> attempt_bits);
            END IF;
            EXIT WHEN v_after <= v_before;
            SELECT max(x.ended_at) INTO v_ended FROM df.executions x
            WHERE x.instance_id = p_instance AND x.execution_id >= v_before AND x.execution_id < v_after;
            IF EXISTS (SELECT FROM df.executions x WHERE x.instance_id = p_instance AND x.status IS NULL
                           AND x.execution_id >= v_before AND x.execution_id < v_after)
                OR v_now.started_at IS NULL OR v_now.started_at > v_ended
            THEN
                RETURN true;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NOT v_known;
END
$$;
COMMENT ON FUNCTION df._has_run_again(text, text, text) IS 'Internal: whether an address that a step has handed out is of an earlier run of it.';

-- What an address is for, as the submitter of its instance, once. What the caller has opened with the key p_key is not looked at again.
-- Waits for nobody for long: whose row is locked, or whose instance, is busy.
CREATE OR REPLACE FUNCTION df._answer(p_key integer, p_action text, p_stamp text, p_node text, p_once uuid, p_expires bigint, p_name text, p_data text)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '1s'
AS $$
DECLARE
    v_instance text := left(p_stamp, 8);
    v_role regrole;
    v_status text;
    v_tasks bigint[];
    v_problem text;
BEGIN
    IF NOT EXISTS (SELECT FROM df._address_keys k WHERE k.id = p_key) THEN
        RETURN 'unknown';
    ELSIF EXISTS (SELECT FROM df._addresses_used u WHERE u.instance_id = v_instance AND u.once = p_once) THEN
        RETURN 'already done';
    ELSIF p_expires <= extract(epoch FROM clock_timestamp()) THEN
        RETURN 'expired';
    END IF;
    SELECT i.status, i.submitted_by INTO v_status, v_role FROM df.instances i WHERE i.id = v_instance;
    IF NOT FOUND OR v_status NOT IN ('pending', 'running') THEN
        RETURN 'ended';
    ELSIF df._has_run_again(v_instance, p_node, p_stamp) THEN
        RETURN 'outdated';
    ELSIF NOT EXISTS (
        SELECT FROM pg_roles r
        WHERE r.oid = v_role AND has_schema_privilege(r.oid, 'df', 'USAGE') AND has_function_privilege(r.oid,
            CASE p_action WHEN 'signal' THEN 'df.signal(text,text,text)' ELSE 'df.decide(bigint,text,text)' END, 'EXECUTE'))
    THEN
        RETURN 'refused';
    END IF;
    PERFORM FROM df.instances i WHERE i.id = v_instance FOR KEY SHARE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 'busy';
    END IF;
    INSERT INTO df._addresses_used (instance_id, once) VALUES (v_instance, p_once) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'already done';
    END IF;
    IF p_action = 'signal' THEN
        PERFORM df.signal(v_instance, p_name, p_data);
        RETURN 'done';
    END IF;
    v_tasks := ARRAY(
        SELECT a.id FROM df._activities a
        WHERE a.instance_id = v_instance AND a.subject = v_instance AND a.assignees IS NOT NULL
            AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (a.id, -a.id)));
    v_problem := CASE WHEN cardinality(v_tasks) = 0 THEN 'nothing to decide'
        WHEN cardinality(v_tasks) > 1 THEN 'several to decide'
        WHEN NOT EXISTS (SELECT FROM df._activities a WHERE a.id = v_tasks[1] AND df._is_assignee(v_role, a.assignees) AND NOT a.not_submitter)
            THEN 'refused' END;
    IF v_problem IS NOT NULL THEN
        DELETE FROM df._addresses_used u WHERE u.instance_id = v_instance AND u.once = p_once;
        RETURN v_problem;
    END IF;
    PERFORM df._decide(v_role, v_tasks[1], p_name, nullif(left(p_data, 100000), ''));
    RETURN 'done';
END
$$;
COMMENT ON FUNCTION df._answer(integer, text, text, text, uuid, bigint, text, text) IS
    'Performs the action of an address: returns done, already done, or the reason why not.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_address_key', '_has_run_again', '_answer')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
    -- Taken from PUBLIC once. A later run of this file must not take away what an administrator has granted since.
    IF (SELECT p.proacl FROM pg_proc p WHERE p.oid = 'df.rotate_address_key(boolean)'::regprocedure) IS NULL THEN
        REVOKE EXECUTE ON FUNCTION df.rotate_address_key(boolean) FROM PUBLIC;
    END IF;
END
$$;
