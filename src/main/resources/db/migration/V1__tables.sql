-- The tables of schema df (specification 3, architecture 4 to 7).
--
-- Conventions: everything is qualified; tables that begin with an underscore belong to the worker alone. Row-level
-- security is enabled and not forced: the owner, who is the worker's login, sees every row. Grants to submitters come
-- from df.grant_usage.

CREATE TABLE df.instances (
    id              varchar(8) NOT NULL,
    label           text,
    root_node       varchar(8) NOT NULL,
    status          text DEFAULT 'pending',
    submitted_by    regrole NOT NULL,
    database        text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    completed_at    timestamptz,
    vars            jsonb,
    cancel_reason   text,
    started_at      timestamptz,
    execution_count bigint NOT NULL DEFAULT 1,
    output          text,
    CONSTRAINT instances_pkey PRIMARY KEY (id),
    CONSTRAINT instances_identity_key UNIQUE (id, submitted_by)
) WITH (fillfactor = 80);

-- Each statement that writes a row reads the expressions of all CHECK constraints of its table anew, and a step's
-- checkpoint is such a statement: with those of the specification that was a third of its cost. What is checked of a
-- row's definition, which never changes, is therefore checked by a trigger when it is inserted, with the same names and
-- the same SQLSTATE (23514); what the worker changes keeps its constraint.
CREATE FUNCTION df._violates(p_table text, p_constraint text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', p_table, p_constraint
        USING ERRCODE = 'check_violation', SCHEMA = 'df', TABLE = p_table, CONSTRAINT = p_constraint;
END
$$;
COMMENT ON FUNCTION df._violates(text, text) IS 'Internal: raises check_violation in the words of PostgreSQL.';

CREATE FUNCTION df._check_instance() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT coalesce(new.id ~ '^[0-9a-f]{8}$', false) THEN
        PERFORM df._violates('instances', 'instances_id_format_chk');
    ELSIF NOT coalesce(new.root_node ~ '^[0-9a-f]{8}$', false) THEN
        PERFORM df._violates('instances', 'instances_root_node_format_chk');
    ELSIF jsonb_typeof(new.vars) <> 'object' THEN
        PERFORM df._violates('instances', 'instances_vars_chk');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_instance() IS 'Internal: checks the definition of an instance when it is inserted.';

ALTER TABLE df.instances ADD CONSTRAINT instances_status_chk
    CHECK (status = ANY ('{pending,running,completed,failed,cancelled}')) NOT VALID;
CREATE TRIGGER instances_check BEFORE INSERT ON df.instances FOR EACH ROW EXECUTE FUNCTION df._check_instance();

CREATE INDEX idx_instances_status ON df.instances (status, created_at DESC, id);
CREATE INDEX idx_instances_created_at ON df.instances (created_at DESC, id);
CREATE INDEX idx_instances_label ON df.instances (label, created_at DESC, id) WHERE label IS NOT NULL;

COMMENT ON TABLE df.instances IS 'One row per workflow instance: who started it, where it stands and how it ended.';
COMMENT ON COLUMN df.instances.vars IS
    'Variables captured when the instance was started, a JSON object of texts; NULL when there were none.';
COMMENT ON COLUMN df.instances.cancel_reason IS 'Reason given to df.cancel.';
COMMENT ON COLUMN df.instances.started_at IS 'When the worker took the instance up for the first time.';
COMMENT ON COLUMN df.instances.execution_count IS
    'Number of the current execution: 1, or the current round when the root node is a LOOP.';
COMMENT ON COLUMN df.instances.output IS
    'Completed: the result text as the worker built it. Failed: the error. Cancelled: canceled: <reason>.';

CREATE TABLE df.nodes (
    id             varchar(8) NOT NULL,
    instance_id    varchar(8) NOT NULL,
    node_type      text NOT NULL,
    query          text,
    result_name    text,
    left_node      varchar(8),
    right_node     varchar(8),
    status         text DEFAULT 'pending',
    result         jsonb,
    error          text,
    submitted_by   regrole,
    database       text,
    created_at     timestamptz DEFAULT now(),
    updated_at     timestamptz DEFAULT now(),
    wake_at        timestamptz,
    started_at     timestamptz,
    attempt        integer NOT NULL DEFAULT 0,
    executed_query text,
    result_columns jsonb,
    bindings       jsonb,
    status_details jsonb,
    CONSTRAINT nodes_pkey PRIMARY KEY (instance_id, id)
    -- Room on the page, so that the one or two updates of a row stay on it (HOT).
) WITH (fillfactor = 60);

-- NULL passes a check without being asked for, except where the column must not be null.
CREATE FUNCTION df._check_node() RETURNS trigger
LANGUAGE plpgsql
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
    ELSIF new.node_type <> ALL ('{SQL,THEN,IF,JOIN,LOOP,BREAK,RACE,SLEEP,WAIT_SCHEDULE,HTTP,HTTP_MULTIPART,SIGNAL}') THEN
        PERFORM df._violates('nodes', 'nodes_node_type_chk');
    ELSIF new.result_name !~ '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        PERFORM df._violates('nodes', 'nodes_result_name_chk');
    ELSIF NOT (CASE
        WHEN new.left_node IS NULL THEN new.right_node IS NULL AND new.query IS NOT NULL
            AND new.node_type = ANY ('{SQL,SLEEP,WAIT_SCHEDULE,BREAK,HTTP,HTTP_MULTIPART,SIGNAL}')
        WHEN new.right_node IS NULL THEN new.node_type = 'LOOP'
        WHEN new.query IS NULL THEN new.node_type = ANY ('{THEN,RACE,JOIN}')
        ELSE new.node_type = ANY ('{IF,JOIN}')
    END) THEN
        PERFORM df._violates('nodes', 'nodes_structure_chk');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_node() IS 'Internal: checks the definition of a node when it is inserted.';
CREATE TRIGGER nodes_check BEFORE INSERT ON df.nodes FOR EACH ROW EXECUTE FUNCTION df._check_node();

ALTER TABLE df.nodes
    ADD CONSTRAINT nodes_status_chk CHECK (status = ANY ('{pending,running,completed,failed}')) NOT VALID,
    ADD CONSTRAINT nodes_instance_identity_fkey FOREIGN KEY (instance_id, submitted_by)
        REFERENCES df.instances (id, submitted_by) DEFERRABLE INITIALLY DEFERRED NOT VALID,
    ADD CONSTRAINT nodes_left_node_same_instance_fkey FOREIGN KEY (instance_id, left_node)
        REFERENCES df.nodes (instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID,
    ADD CONSTRAINT nodes_right_node_same_instance_fkey FOREIGN KEY (instance_id, right_node)
        REFERENCES df.nodes (instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID;

ALTER TABLE df.instances
    ADD CONSTRAINT instances_root_node_same_instance_fkey FOREIGN KEY (id, root_node)
        REFERENCES df.nodes (instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID;

CREATE INDEX idx_nodes_wake_at ON df.nodes (wake_at) WHERE wake_at IS NOT NULL;

COMMENT ON TABLE df.nodes IS
    'One row per node of an instance''s graph. The definition is the submitter''s; status, result and the columns that follow are written by the worker only.';
COMMENT ON COLUMN df.nodes.status_details IS
    '{"execution_id": <stamp>} (specification 5.1). "canceled": the node was interrupted, with the reason. "at_least_once": the step could not share a transaction with its checkpoint, with the reason.';
COMMENT ON COLUMN df.nodes.error IS 'Error text of a failed node.';
COMMENT ON COLUMN df.nodes.wake_at IS 'When a waiting node is due.';
COMMENT ON COLUMN df.nodes.started_at IS 'When the latest activation of the node began.';
COMMENT ON COLUMN df.nodes.attempt IS 'Number of the latest attempt of the latest activation, from 1; 0 before any.';
COMMENT ON COLUMN df.nodes.executed_query IS 'The statement after substitution, as it was executed.';
COMMENT ON COLUMN df.nodes.result_columns IS
    'Array of [name, type] pairs of an SQL result in the order of the query; jsonb keeps neither order nor types.';
COMMENT ON COLUMN df.nodes.bindings IS
    'Of a LOOP: result names that earlier rounds bound, {name: {"r": result, "c": result_columns}}.';

CREATE TABLE df.vars (
    name  text NOT NULL,
    value text,
    owner regrole NOT NULL DEFAULT (quote_ident(current_user))::regrole,
    CONSTRAINT vars_pkey PRIMARY KEY (owner, name)
);
COMMENT ON TABLE df.vars IS 'Variables of each role; df.start captures those of its caller.';

CREATE TABLE df.executions (
    instance_id  varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    execution_id bigint NOT NULL,
    started_at   timestamptz,
    ended_at     timestamptz NOT NULL DEFAULT now(),
    event_count  bigint NOT NULL DEFAULT 0,
    output       text,
    CONSTRAINT executions_pkey PRIMARY KEY (instance_id, execution_id)
);
COMMENT ON TABLE df.executions IS
    'Ended executions of instances whose root is a LOOP, one per round that was followed by another. The current execution is the instance row itself.';

CREATE TABLE df.signals (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    instance_id varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    name        text NOT NULL CHECK (name <> ''),
    data        jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    consumed_at timestamptz,
    consumed_by varchar(8),
    CONSTRAINT signals_pkey PRIMARY KEY (id)
);
CREATE INDEX idx_signals_unconsumed ON df.signals (instance_id, name, id) WHERE consumed_at IS NULL;
COMMENT ON TABLE df.signals IS 'Signals, buffered until a wait of that name consumes them, first in first out, each once.';

CREATE TABLE df.settings (
    name  text NOT NULL,
    value text,
    CONSTRAINT settings_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE df.settings IS 'Settings that SQL functions read; written by the owner of schema df. Names: docs/configuration.md.';

CREATE TABLE df._worker_epoch (
    epoch_id     uuid NOT NULL,
    started_at   timestamptz DEFAULT now(),
    last_seen_at timestamptz DEFAULT now(),
    CONSTRAINT _worker_epoch_pkey PRIMARY KEY (epoch_id)
);
COMMENT ON TABLE df._worker_epoch IS 'One row: the leading worker''s term, and when it was last seen (about every 2 s).';

-- What starts, signals and cancels read to decide whether a NOTIFY is needed (architecture 6).
CREATE TABLE df._wake (
    singleton boolean NOT NULL DEFAULT true CHECK (singleton),
    idle      boolean NOT NULL DEFAULT true,
    CONSTRAINT _wake_pkey PRIMARY KEY (singleton)
);
INSERT INTO df._wake DEFAULT VALUES;
COMMENT ON TABLE df._wake IS 'One row: whether the worker is idle and wants a NOTIFY on channel perdure_wake.';

-- The current term (architecture 4, 5). Only the owner reads it; the key never enters a submitter's session.
CREATE SEQUENCE df._epoch_seq;
CREATE TABLE df._epoch (
    singleton         boolean NOT NULL DEFAULT true CHECK (singleton),
    key               bytea NOT NULL,
    lock_key          bigint NOT NULL,
    system_identifier text,
    database_oid      oid,
    CONSTRAINT _epoch_pkey PRIMARY KEY (singleton)
);
COMMENT ON SEQUENCE df._epoch_seq IS 'last_value is the epoch of the current term; not subject to snapshots.';
COMMENT ON TABLE df._epoch IS
    'One row: the key of the current term, the key of the leader''s advisory lock, and the server and database that this schema belongs to.';
INSERT INTO df._epoch (key, lock_key)
VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
        ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint);

ALTER TABLE df.instances ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.vars ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._epoch ENABLE ROW LEVEL SECURITY;

CREATE POLICY instances_user_isolation ON df.instances
    USING (submitted_by = (SELECT (quote_ident(current_user))::regrole))
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
-- Users change a status only from pending or running to cancelled (differences, Lifecycle).
CREATE POLICY instances_user_may_only_cancel ON df.instances AS RESTRICTIVE FOR UPDATE
    USING (status IN ('pending', 'running'))
    WITH CHECK (status = 'cancelled');
CREATE POLICY nodes_user_isolation ON df.nodes
    USING (submitted_by = (SELECT (quote_ident(current_user))::regrole))
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY vars_user_isolation ON df.vars
    USING (owner = (SELECT (quote_ident(current_user))::regrole))
    WITH CHECK (owner = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY executions_user_isolation ON df.executions
    USING (EXISTS (SELECT FROM df.instances i WHERE i.id = instance_id
                   AND i.submitted_by = (SELECT (quote_ident(current_user))::regrole)));
CREATE POLICY signals_user_isolation ON df.signals
    USING (EXISTS (SELECT FROM df.instances i WHERE i.id = instance_id
                   AND i.submitted_by = (SELECT (quote_ident(current_user))::regrole)))
    WITH CHECK (EXISTS (SELECT FROM df.instances i WHERE i.id = instance_id
                   AND i.submitted_by = (SELECT (quote_ident(current_user))::regrole)));

-- Cancelled instances that the worker has not wound up yet: it writes their output last.
CREATE INDEX idx_instances_cancelling ON df.instances (id) WHERE status = 'cancelled' AND output IS NULL;
