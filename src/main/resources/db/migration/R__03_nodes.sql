-- df.nodes, and what happens when rows of definitions are inserted (specification 3.1, 3.2).

-- A view with the rights of its owner, since nobody else may read the worker's tables: it has the condition of
-- instances_user_isolation in it. A barrier, so that no function of the caller sees rows before the condition has.
--
-- What is known of a node is its entry in the checkpoint with the highest version that has one. A mark of the owner counts
-- when it is later, and when the entry leaves the same execution running.
CREATE OR REPLACE VIEW df.nodes WITH (security_barrier) AS
SELECT n.id,
       i.id AS instance_id,
       n.node_type,
       n.query,
       n.result_name,
       n.left_node::varchar(8) AS left_node,
       n.right_node::varchar(8) AS right_node,
       CASE WHEN n.marked AND n.waits IS NULL THEN 'running' ELSE coalesce(n.entry ->> 'status', 'pending') END AS status,
       CASE WHEN n.marked THEN NULL
            WHEN n.entry ->> 'status' = 'failed' THEN n.entry -> 'error'
            ELSE n.result END AS result,
       CASE WHEN NOT n.marked THEN n.entry ->> 'error' END AS error,
       n.submitted_by,
       n.database,
       n.created_at,
       CASE WHEN n.marked THEN n.marked_at ELSE coalesce(n.written_at, n.created_at) END AS updated_at,
       CASE WHEN NOT n.marked THEN (n.entry ->> 'wake_at')::timestamptz END AS wake_at,
       CASE WHEN n.marked AND n.mark_started_at IS NOT NULL THEN n.mark_started_at
            ELSE (n.entry ->> 'started_at')::timestamptz END AS started_at,
       coalesce(CASE WHEN n.marked THEN n.mark_attempt END, (n.entry ->> 'attempt')::integer, 0) AS attempt,
       CASE WHEN NOT n.marked THEN n.entry ->> 'executed_query' END AS executed_query,
       CASE WHEN NOT n.marked THEN nullif(n.columns, 'null') END AS result_columns,
       n.entry -> 'bindings' AS bindings,
       coalesce(CASE WHEN NOT n.marked THEN n.entry -> 'params' END, n.params) AS params,
       CASE WHEN n.marked OR n.set_aside_at IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
                'execution_id', CASE WHEN n.marked THEN n.mark_execution_id ELSE n.entry ->> 'execution_id' END,
                'waits', CASE WHEN n.marked THEN n.waits END,
                'set_aside', CASE WHEN n.set_aside_at IS NOT NULL THEN jsonb_build_object('since', n.set_aside_at, 'reason',
                    format('%s workers in succession ended while they worked on this instance', n.tries)) END))
            WHEN n.entry IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
                'execution_id', n.entry -> 'execution_id', 'canceled', n.entry -> 'canceled',
                'at_least_once', n.entry -> 'at_least_once', 'code', n.entry -> 'code', 'detail', n.entry -> 'detail',
                'hint', n.entry -> 'hint', 'position', n.entry -> 'position', 'step', n.entry -> 'step',
                'waits', CASE WHEN n.node_type = 'WITH_QUEUE' AND n.entry ->> 'status' = 'running' THEN (
                    SELECT jsonb_build_object('reason', concat('a slot of queue ', q.name, ', key ' || nullif(s.key, ''),
                               CASE WHEN q.paused_at IS NOT NULL THEN concat(', which is paused', ' (' || q.pause_reason || ')') END), 'since', s.queued_at)
                    FROM df._starts s JOIN df._queues q ON q.id = s.queue
                    WHERE s.instance_id = i.id AND s.subject = i.id AND s.node_id = n.id AND s.execution_id = n.entry ->> 'execution_id'
                      AND s.admitted_at IS NULL) END)) END AS status_details
FROM df.instances i
CROSS JOIN LATERAL (
    SELECT d.*, s.entry, s.result, s.columns, s.written_at,
           r.marked_at IS NOT NULL AND (s.entry IS NULL OR CASE WHEN s.entry ->> 'execution_id' = r.execution_id
               THEN s.entry ->> 'status' = 'running' ELSE r.marked_at > s.written_at END) AS marked,
           r.marked_at, r.execution_id AS mark_execution_id, r.attempt AS mark_attempt, r.started_at AS mark_started_at,
           r.waits, t.set_aside_at, t.tries
    FROM (
        SELECT x.id::varchar(8), x.node_type, x.query, x.result_name, x.left_node, x.right_node, x.params, i.submitted_by, i.database, i.created_at
        FROM df._definition(i.root_node, i.graph) AS x
        UNION ALL
        SELECT y.id, y.node_type, y.query, y.result_name, y.left_node, y.right_node, NULL, y.submitted_by, y.database, y.created_at
        FROM df._nodes y WHERE y.instance_id = i.id AND i.graph IS NULL
    ) AS d
    LEFT JOIN (
        SELECT DISTINCT ON (e.key) e.key AS node_id, e.value AS entry, c.written_at,
               c.state -> 'results' -> (e.value ->> 'result')::integer AS result,
               c.state -> 'columns' -> (e.value ->> 'result')::integer AS columns
        FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS e
        WHERE c.instance_id = i.id
        ORDER BY e.key, c.version DESC
    ) AS s ON s.node_id = d.id
    LEFT JOIN df._running r ON r.instance_id = i.id AND r.node_id = d.id
    LEFT JOIN df._tries t ON t.instance_id = i.id AND d.id = i.root_node AND t.set_aside_at IS NOT NULL
) AS n
WHERE i.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));

-- For those who read the catalogue; what is inserted has them anyway.
ALTER VIEW df.nodes ALTER COLUMN status SET DEFAULT 'pending';
ALTER VIEW df.nodes ALTER COLUMN created_at SET DEFAULT now();
ALTER VIEW df.nodes ALTER COLUMN updated_at SET DEFAULT now();

COMMENT ON VIEW df.nodes IS
    'One row per node of an instance''s graph. The definition is the submitter''s; status, result and the columns that follow are written by the worker only.';
COMMENT ON COLUMN df.nodes.error IS 'Error text of a failed node; of a RETRY that goes on, how its last attempt failed.';
COMMENT ON COLUMN df.nodes.wake_at IS 'The time at which a waiting node is due.';
COMMENT ON COLUMN df.nodes.started_at IS 'The begin of the node''s latest activation.';
COMMENT ON COLUMN df.nodes.attempt IS
    'Number of the latest attempt of the latest activation, from 1; 0 before any. Of a RETRY, the attempt that it waits for or is in.';
COMMENT ON COLUMN df.nodes.executed_query IS 'The statement after substitution, as it was executed.';
COMMENT ON COLUMN df.nodes.params IS
    'Parameters of a statement: once it has been executed the values that were bound to $1 and so on, before that their templates.';
COMMENT ON COLUMN df.nodes.result_columns IS
    'Array of [name, type] pairs of an SQL result in the order of the query; jsonb keeps neither order nor types.';
COMMENT ON COLUMN df.nodes.bindings IS
    'Of a LOOP: result names that earlier rounds bound, {name: {"r": result, "c": result_columns}}.';
COMMENT ON COLUMN df.nodes.status_details IS
    '{"execution_id": <stamp>} (specification 5.1). "canceled": the node was interrupted, with the reason. "at_least_once": the step could not share a transaction with its checkpoint, with the reason. "code": what kind of failure it was, a SQLSTATE, http:<status>, http:error or timeout. "detail", "hint", "position": what else the server said of a failure. "waits": {"reason", "since", "next_try"} of a step that waits for what is not its own trouble, or of a WITH_QUEUE for its slot. "set_aside": {"since", "reason"} at the root of an instance that no worker works on.';

---------------------------------------------------------------------------------------------------------------------
-- Nodes that are written by hand
---------------------------------------------------------------------------------------------------------------------

-- With the rights of the inserting role: the policy of df._nodes says whose rows these may be.
CREATE OR REPLACE FUNCTION df._insert_node() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF new.params IS NOT NULL THEN
        PERFORM df._violates('nodes', 'nodes_params_chk', 'A node that is written by hand has no parameters.',
            'Start the workflow with df.start(df.sql(query, ...)).');
    END IF;
    INSERT INTO df._nodes (id, instance_id, node_type, query, result_name, left_node, right_node, submitted_by, database)
    VALUES (new.id, new.instance_id, new.node_type, new.query, new.result_name, new.left_node, new.right_node,
            new.submitted_by, new.database);
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._insert_node() IS 'Internal: the effect of INSERT INTO df.nodes.';
CREATE OR REPLACE TRIGGER nodes_insert INSTEAD OF INSERT ON df.nodes FOR EACH ROW EXECUTE FUNCTION df._insert_node();

CREATE OR REPLACE FUNCTION df._check_node() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF new.submitted_by IS NULL THEN
        PERFORM df._violates('nodes', 'nodes_submitted_by_present_chk');
    ELSIF new.id !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_id_format_chk');
    ELSIF new.instance_id !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_instance_id_format_chk');
    ELSIF new.left_node !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_left_node_format_chk');
    ELSIF new.right_node !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_right_node_format_chk');
    END IF;
    PERFORM df._check_definition(new.node_type, new.query, new.result_name, new.left_node IS NOT NULL,
                new.right_node IS NOT NULL),
            df._check_size('nodes', 'nodes_database_size_chk', 'database', octet_length(new.database), 63);
    IF df._unstorable(new.node_type, new.query) IS NOT NULL THEN
        PERFORM df._violates('nodes', 'nodes_query_text_chk', df._unstorable(new.node_type, new.query));
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_node() IS 'Internal: checks a node that is written by hand.';
CREATE OR REPLACE TRIGGER nodes_check BEFORE INSERT ON df._nodes FOR EACH ROW EXECUTE FUNCTION df._check_node();

-- Definer: whether an instance of somebody else has the id is nobody's business, but the reference must not dangle.
CREATE OR REPLACE FUNCTION df._check_node_instance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM df.instances i WHERE i.id = new.instance_id AND i.submitted_by = new.submitted_by
                   AND i.graph IS NULL) THEN
        RAISE EXCEPTION 'insert or update on table "nodes" violates foreign key constraint "nodes_instance_identity_fkey"'
            USING ERRCODE = 'foreign_key_violation', SCHEMA = 'df', TABLE = 'nodes',
                  CONSTRAINT = 'nodes_instance_identity_fkey',
                  DETAIL = format('Key (instance_id, submitted_by)=(%s, %s) is not present in table "instances", or that instance was started with a graph.',
                      new.instance_id, new.submitted_by);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._check_node_instance() IS 'Internal: a node that is written by hand belongs to an instance of the same role.';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'df._nodes'::regclass AND tgname = 'nodes_instance_identity_fkey') THEN
        CREATE CONSTRAINT TRIGGER nodes_instance_identity_fkey AFTER INSERT ON df._nodes
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION df._check_node_instance();
    END IF;
END
$$;

---------------------------------------------------------------------------------------------------------------------
-- Instances
---------------------------------------------------------------------------------------------------------------------

-- Definer: submitters have no right on the worker's tables. Whatever way an instance is inserted, the worker learns of it
-- here. NOTIFY is sent when the worker wants to be told: it takes a lock of the whole cluster at commit (architecture 6).
CREATE OR REPLACE FUNCTION df._enqueue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wants text;
    nothing text;
BEGIN
    -- One expression for all instances with which nothing is wrong: each is set up anew in every transaction.
    IF (octet_length(concat(new.id, new.root_node)) = 16 AND ltrim(concat(new.id, new.root_node), '0123456789abcdef') = ''
        AND new.vars IS NULL AND new.database IS NULL AND octet_length(concat(new.label)) <= 4096
        AND octet_length(new.graph) < 1000000) IS NOT TRUE
    THEN
        PERFORM df._check_instance(new);
    END IF;
    INSERT INTO df._inbox (instance_id, role, bytes)
    VALUES (new.id, new.submitted_by, octet_length(new.graph) + coalesce(octet_length(new.vars::text), 0))
    RETURNING concat((SELECT w.channel FROM df._wake w
                      WHERE w.idle AND NOT EXISTS (SELECT FROM df.settings s WHERE s.name = 'notify'
                                                   AND lower(s.value) IN ('off', 'false', 'no', '0'))),
                     -- Nothing, with what the caller has written on other nodes (R__33_two_phase.sql).
                     CASE WHEN to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN df._in_two_phases() END)
    INTO wants;
    IF wants <> '' THEN
        nothing := pg_notify(wants, '');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._enqueue() IS 'Internal: checks the definition of an instance, and puts it where the worker looks.';

CREATE OR REPLACE FUNCTION df._check_instance(new df.instances) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF new.id !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('instances', 'instances_id_format_chk');
    ELSIF new.root_node !~ '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('instances', 'instances_root_node_format_chk');
    ELSIF jsonb_typeof(new.vars) <> 'object' THEN
        PERFORM df._violates('instances', 'instances_vars_chk');
    END IF;
    PERFORM df._check_size('instances', 'instances_label_size_chk', 'label', octet_length(new.label), 4096),
            df._check_size('instances', 'instances_database_size_chk', 'database', octet_length(new.database), 63),
            df._check_size('instances', 'instances_vars_size_chk', 'vars', octet_length(new.vars::text), 1048576),
            df._check_size('instances', 'instances_graph_size_chk', 'graph', octet_length(new.graph), 67108864);
END
$$;
COMMENT ON FUNCTION df._check_instance(df.instances) IS
    'Internal: limits of a definition, in bytes: label 4096, variables and the query of a node 1 MiB each, all of a graph 64 MiB.';
CREATE OR REPLACE TRIGGER instances_enqueue AFTER INSERT ON df.instances FOR EACH ROW EXECUTE FUNCTION df._enqueue();

-- Definer: see df._check_node_instance.
CREATE OR REPLACE FUNCTION df._check_instance_root() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM df._nodes n WHERE n.instance_id = new.id AND n.id = new.root_node) THEN
        RAISE EXCEPTION 'insert or update on table "instances" violates foreign key constraint "instances_root_node_same_instance_fkey"'
            USING ERRCODE = 'foreign_key_violation', SCHEMA = 'df', TABLE = 'instances',
                  CONSTRAINT = 'instances_root_node_same_instance_fkey',
                  DETAIL = format('Key (id, root_node)=(%s, %s) is not present in table "nodes".', new.id, new.root_node);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._check_instance_root() IS 'Internal: an instance that is written by hand has its root node.';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'df.instances'::regclass
                   AND tgname = 'instances_root_node_same_instance_fkey') THEN
        CREATE CONSTRAINT TRIGGER instances_root_node_same_instance_fkey AFTER INSERT ON df.instances
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.graph IS NULL)
            EXECUTE FUNCTION df._check_instance_root();
    END IF;
END
$$;

-- Definer: see df._enqueue. Users cancel by changing the status, and so does df.cancel.
CREATE OR REPLACE FUNCTION df._note_cancel() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._check_size('instances', 'instances_cancel_reason_size_chk', 'cancel_reason',
        octet_length(new.cancel_reason), 65536);
    IF new.status = 'cancelled' AND old.status IN ('pending', 'running')
        AND NOT df._end_set_aside(new.id, new.cancel_reason) AND NOT df._end_held(new.id, new.cancel_reason) THEN
        INSERT INTO df._cancels (instance_id) VALUES (new.id) ON CONFLICT DO NOTHING;
        PERFORM df._wake_worker();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._note_cancel() IS 'Internal: puts a cancelled instance where the worker looks.';
CREATE OR REPLACE TRIGGER instances_note_cancel AFTER UPDATE OF status, cancel_reason ON df.instances FOR EACH ROW
    WHEN (new.status = 'cancelled') EXECUTE FUNCTION df._note_cancel();

-- Definer: submitters may change nothing of an instance that has ended. What was inserted has passed the policy: it is the caller's.
CREATE OR REPLACE FUNCTION df._free_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    UPDATE df.instances i SET idempotency_key = NULL
    WHERE i.id = new.instance_id AND i.submitted_by = new.submitted_by AND i.idempotency_key IS NOT NULL
        AND i.status IN ('completed', 'failed', 'cancelled');
    DELETE FROM df._freed_keys f WHERE f.instance_id = new.instance_id AND f.submitted_by = new.submitted_by;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._free_key() IS 'Internal: takes the idempotency key away from an instance that has ended.';
CREATE OR REPLACE TRIGGER freed_keys_free AFTER INSERT ON df._freed_keys FOR EACH ROW EXECUTE FUNCTION df._free_key();

-- The worker reads the oldest signal of each name that something waits for: a signal without a limit would fill its memory.
CREATE OR REPLACE FUNCTION df._check_signal() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    new.xid := pg_current_xact_id();
    new.bytes := coalesce(octet_length(new.data::text), 0);
    IF octet_length(new.name) > 1024 THEN
        PERFORM df._violates('signals', 'signals_name_size_chk');
    ELSIF new.bytes > 1048576 THEN
        PERFORM df._violates('signals', 'signals_data_size_chk');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_signal() IS
    'Internal: limits of a signal in bytes: its name 1024, its data as JSON text 1 MiB; and by which transaction it was sent.';
CREATE OR REPLACE TRIGGER signals_check BEFORE INSERT ON df.signals FOR EACH ROW EXECUTE FUNCTION df._check_signal();

-- Definer: submitters may not delete. It deletes no other row than one that its owner has just updated.
CREATE OR REPLACE FUNCTION df._delete_unset() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df.vars v WHERE v.owner = new.owner AND v.name = new.name AND v.unset;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._delete_unset() IS 'Internal: deletes variables that are marked as unset.';
CREATE OR REPLACE TRIGGER vars_delete_unset AFTER UPDATE ON df.vars
    FOR EACH ROW WHEN (new.unset) EXECUTE FUNCTION df._delete_unset();

REVOKE EXECUTE ON FUNCTION df._enqueue() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._check_node_instance() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._check_instance_root() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._note_cancel() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._free_key() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._delete_unset() FROM PUBLIC;
