-- The tables of schema df (specification 3, architecture 3 to 7).
--
-- Conventions: everything is qualified; tables that begin with an underscore belong to the worker alone. Row-level
-- security is enabled and not forced: the owner, who is the worker's login, sees every row. Grants to submitters come
-- from df.grant_usage.

---------------------------------------------------------------------------------------------------------------------
-- Instances and their nodes
---------------------------------------------------------------------------------------------------------------------

-- Written twice, when an instance is started and when it ends (and once more when it lasts). No index contains a column
-- that the second write changes, so that it stays on its page (HOT).
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
    idempotency_key text,
    graph           text,
    CONSTRAINT instances_pkey PRIMARY KEY (id)
) WITH (fillfactor = 70);

-- Each statement that writes a row reads the expressions of all CHECK constraints of its table anew. What never changes is
-- therefore checked by a trigger when it is inserted, with the same names and the same SQLSTATE (23514).
ALTER TABLE df.instances ADD CONSTRAINT instances_status_chk
    CHECK (status = ANY ('{pending,running,completed,failed,cancelled}')) NOT VALID;

CREATE INDEX idx_instances_created_at ON df.instances (created_at DESC, id);
CREATE INDEX idx_instances_submitted_by ON df.instances (submitted_by, created_at DESC, id);
CREATE INDEX idx_instances_label ON df.instances (label, created_at DESC, id) WHERE label IS NOT NULL;
-- What makes two sessions that start under one key at once agree: the second waits for the first one's transaction. It
-- names the submitter first, so that nobody can take a key away from somebody else, or learn that it is used.
CREATE UNIQUE INDEX instances_idempotency_key ON df.instances (submitted_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

COMMENT ON TABLE df.instances IS 'One row per workflow instance: who started it, where it stands and how it ended.';
COMMENT ON COLUMN df.instances.vars IS
    'Variables captured when the instance was started, a JSON object of texts; NULL when there were none.';
COMMENT ON COLUMN df.instances.cancel_reason IS 'Reason given to df.cancel.';
COMMENT ON COLUMN df.instances.started_at IS
    'When the worker took the instance up for the first time; written when it lasts, or when it ends.';
COMMENT ON COLUMN df.instances.execution_count IS
    'Number of the current execution: 1, or the current round when the root node is a LOOP.';
COMMENT ON COLUMN df.instances.output IS
    'Completed: the result text as the worker built it. Failed: the error. Cancelled: canceled: <reason>.';
COMMENT ON COLUMN df.instances.idempotency_key IS
    'Key given to df.start: the same role gets this instance again for it, for as long as the row is kept.';
-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._freed_keys (
    instance_id  varchar(8) NOT NULL,
    submitted_by regrole NOT NULL
);
COMMENT ON TABLE df._freed_keys IS 'Ended instances whose idempotency key is taken away; always empty.';

COMMENT ON COLUMN df.instances.graph IS
    'The node text that was started; df.nodes shows its nodes. NULL when the nodes were inserted by hand.';

-- Nodes of instances that were written by hand: what was inserted into the view df.nodes (R__03_nodes.sql).
CREATE TABLE df._nodes (
    id           varchar(8) NOT NULL,
    instance_id  varchar(8) NOT NULL,
    node_type    text NOT NULL,
    query        text,
    result_name  text,
    left_node    varchar(8),
    right_node   varchar(8),
    submitted_by regrole,
    database     text,
    created_at   timestamptz DEFAULT now(),
    CONSTRAINT nodes_pkey PRIMARY KEY (instance_id, id)
);
ALTER TABLE df._nodes
    ADD CONSTRAINT nodes_left_node_same_instance_fkey FOREIGN KEY (instance_id, left_node)
        REFERENCES df._nodes (instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID,
    ADD CONSTRAINT nodes_right_node_same_instance_fkey FOREIGN KEY (instance_id, right_node)
        REFERENCES df._nodes (instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
COMMENT ON TABLE df._nodes IS 'Nodes that were inserted by hand, by way of df.nodes. What df.start gets is in df.instances.graph.';

CREATE TABLE df.vars (
    name  text NOT NULL,
    value text,
    owner regrole NOT NULL DEFAULT (quote_ident(current_user))::regrole,
    unset boolean NOT NULL DEFAULT false,
    CONSTRAINT vars_pkey PRIMARY KEY (owner, name)
);
COMMENT ON TABLE df.vars IS 'Variables of each role; df.start captures those of its caller.';
-- LOCK TABLE goes with UPDATE and DELETE of a whole table, and df.start of everybody reads df.vars. So rights on it are
-- those of columns, and a variable is deleted by marking it.
COMMENT ON COLUMN df.vars.unset IS 'Set to true to delete the row: roles have no DELETE, with which LOCK TABLE would come.';

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

-- A signal is found by the transaction that sent it, once (df._news), and by the wait that consumes it.
CREATE TABLE df.signals (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    instance_id varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    name        text NOT NULL CHECK (name <> ''),
    data        jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    consumed_at timestamptz,
    consumed_by varchar(8),
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    bytes       integer NOT NULL DEFAULT 0,
    CONSTRAINT signals_pkey PRIMARY KEY (id)
);
CREATE INDEX idx_signals_unconsumed ON df.signals (instance_id, name, id) WHERE consumed_at IS NULL;
CREATE INDEX idx_signals_new ON df.signals (xid, id) WHERE consumed_at IS NULL;
-- Deleting an instance deletes its signals, consumed ones too.
CREATE INDEX idx_signals_instance ON df.signals (instance_id);
COMMENT ON TABLE df.signals IS 'Signals, buffered until a wait of that name consumes them, first in first out, each once.';
COMMENT ON COLUMN df.signals.consumed_by IS 'Id of the node that waited for the signal.';
COMMENT ON COLUMN df.signals.xid IS 'The transaction that sent the signal.';
COMMENT ON COLUMN df.signals.bytes IS 'Length of the data as text.';

---------------------------------------------------------------------------------------------------------------------
-- What the worker writes
---------------------------------------------------------------------------------------------------------------------

-- One narrow row for each instance that has not ended: what the worker has to look at. Nothing is marked when it is taken
-- up: who reads is the only leader, and what is decided is fenced by the version of df._checkpoints.
CREATE TABLE df._inbox (
    instance_id varchar(8) NOT NULL,
    role        oid NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    wake_at     timestamptz,
    bytes       integer,
    CONSTRAINT _inbox_pkey PRIMARY KEY (instance_id)
);
CREATE INDEX idx_inbox_awake ON df._inbox (xid, instance_id) WHERE wake_at IS NULL;
CREATE INDEX idx_inbox_wake_at ON df._inbox (wake_at, instance_id) WHERE wake_at IS NOT NULL;
COMMENT ON TABLE df._inbox IS 'Instances that have not ended.';
COMMENT ON COLUMN df._inbox.xid IS 'The transaction that started the instance.';
COMMENT ON COLUMN df._inbox.wake_at IS
    'NULL: there is something to be done. A time: the instance only waits until then. infinity: it only waits for signals.';
COMMENT ON COLUMN df._inbox.bytes IS 'Of graph and variables when they are read; NULL when the nodes are written by hand.';

-- A checkpoint is the row that takes the version of its instance: who comes second meets the key (architecture 5).
CREATE TABLE df._checkpoints (
    instance_id varchar(8) NOT NULL,
    version     integer NOT NULL,
    bytes       integer NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    state       jsonb NOT NULL,
    CONSTRAINT _checkpoints_pkey PRIMARY KEY (instance_id, version)
);
COMMENT ON TABLE df._checkpoints IS 'What is known of the nodes of each instance; one row for each decision that was taken.';
COMMENT ON COLUMN df._checkpoints.version IS 'From 1, without a gap when it is written; rows that later ones supersede are deleted.';
COMMENT ON COLUMN df._checkpoints.bytes IS 'Length of the state as it was sent.';
COMMENT ON COLUMN df._checkpoints.state IS
    '{"nodes": {<node id>: {"execution_id", "status", "result": index, "error", "canceled", "wake_at", "started_at", "attempt", "executed_query", "params", "bindings", "at_least_once", "code"}}, "results": [...], "columns": [...]}. What is known of a node is its entry in the row with the highest version that has one. {}: a version that was claimed.';

-- Rows that no checkpoint of a step updates: a step in REPEATABLE READ has its snapshot from before.
CREATE TABLE df._running (
    instance_id  varchar(8) NOT NULL,
    node_id      varchar(8) NOT NULL,
    execution_id text NOT NULL,
    attempt      integer,
    started_at   timestamptz,
    marked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    waits        jsonb,
    CONSTRAINT _running_pkey PRIMARY KEY (instance_id, node_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE df._running IS
    'Nodes that have been executing for a while, and attempts that are on record before they begin. A mark counts as long as the node has no checkpoint that ended the same execution.';
COMMENT ON COLUMN df._running.waits IS
    'The node does not execute: {"reason", "since", "next_try"} of what it waits for.';

-- Instances that a leader took over, on record before it worked on them: of what ends the worker's process nothing else is left
-- than that (ADR 110). No ordinary instance has a row.
CREATE TABLE df._tries (
    instance_id  varchar(8) NOT NULL,
    version      integer NOT NULL,
    epoch        bigint NOT NULL,
    tries        integer NOT NULL DEFAULT 1,
    quick        integer NOT NULL DEFAULT 1,
    tried_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_aside_at timestamptz,
    CONSTRAINT _tries_pkey PRIMARY KEY (instance_id)
);
COMMENT ON TABLE df._tries IS 'Unfinished instances that a leader took over from an earlier one, and those that are set aside.';
COMMENT ON COLUMN df._tries.version IS 'The version that they were at; who has committed since begins to count anew.';
COMMENT ON COLUMN df._tries.epoch IS 'The latest term that has taken it over.';
COMMENT ON COLUMN df._tries.tries IS 'How many terms have taken it over without anything of it being committed.';
COMMENT ON COLUMN df._tries.quick IS 'How many of the latest ones in a row had not lasted five seconds more, as far as is known.';
COMMENT ON COLUMN df._tries.set_aside_at IS 'Since when no leader works on it, until df.resume.';

CREATE TABLE df._cancels (
    instance_id varchar(8) NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _cancels_pkey PRIMARY KEY (instance_id)
);
CREATE INDEX idx_cancels_new ON df._cancels (xid, instance_id);
COMMENT ON TABLE df._cancels IS 'Cancelled instances that the worker has not wound up.';
COMMENT ON COLUMN df._cancels.xid IS 'The transaction that cancelled the instance.';

---------------------------------------------------------------------------------------------------------------------
-- The worker, its term and its settings
---------------------------------------------------------------------------------------------------------------------

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
    passwords boolean NOT NULL DEFAULT false,
    channel   text NOT NULL DEFAULT concat('perdure_', left(md5(gen_random_uuid()::text), 16)),
    CONSTRAINT _wake_pkey PRIMARY KEY (singleton)
);
INSERT INTO df._wake DEFAULT VALUES;
COMMENT ON TABLE df._wake IS 'One row: whether the worker is idle and wants a NOTIFY.';
COMMENT ON COLUMN df._wake.channel IS
    'The channel of that NOTIFY. Anybody may send on any channel; a name that is drawn is known to those who may use df.';
COMMENT ON COLUMN df._wake.passwords IS
    'Whether the worker has passwords for submitters: then VALID UNTIL of a role matters, which it does not for other ways of logging in.';

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

-- Where a leader was. Rows that are copied into the tables of another database bring theirs along, which df._epoch, with its one
-- row, does not: a leader that finds one refuses to work.
CREATE TABLE df._origins (
    system_identifier text NOT NULL,
    database_oid      oid NOT NULL,
    CONSTRAINT _origins_pkey PRIMARY KEY (system_identifier, database_oid)
);
COMMENT ON TABLE df._origins IS 'The servers and databases whose leaders have worked on these rows: one, unless rows were copied.';

-- Roles as which the worker could not log in when it tried last. It tries again every few seconds and takes the row away
-- when it succeeds; rows that were not checked for a minute, or not in the current term, mean nothing.
CREATE TABLE df._logins (
    role_oid   oid NOT NULL,
    problem    text NOT NULL,
    failed_at  timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT _logins_pkey PRIMARY KEY (role_oid)
);
COMMENT ON TABLE df._logins IS
    'Roles as which the worker cannot log in, and why; df.start refuses them. A role sees its own row only.';

-- Who asks for a session of their own (df.start with transaction_mode => 'new', ADR 27).
--
-- A function with the owner's rights cannot see for whom it was called: inside it current_user is the owner, and
-- session_user may be another role than the one whose code runs (SET ROLE, SECURITY DEFINER, functions of an index that
-- somebody else analyzes). What it can trust is a row whose columns the caller cannot choose.
CREATE TABLE df._launches (
    token    uuid NOT NULL,
    role     regrole NOT NULL DEFAULT (quote_ident(current_user))::regrole,
    asked_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _launches_pkey PRIMARY KEY (token)
);
COMMENT ON TABLE df._launches IS
    'Proof of the effective role: written and deleted within one call of df.start, so empty to everybody who looks.';

-- Which role may have which secret sent in its HTTP requests. Values are not in the database: they are files of the worker.
CREATE TABLE df.secret_grants (
    name text NOT NULL
        CONSTRAINT secret_grants_name_chk
            CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,252})?$'),
    role oid NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, role)
);
COMMENT ON TABLE df.secret_grants IS 'Which role may use which secret in HTTP requests; see df.grant_secret.';
COMMENT ON COLUMN df.secret_grants.role IS 'The role, whose members may use the secret too; 0 is PUBLIC.';

---------------------------------------------------------------------------------------------------------------------
-- Whose rows
---------------------------------------------------------------------------------------------------------------------

ALTER TABLE df.instances ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.vars ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._freed_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._running ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._cancels ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._epoch ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._origins ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._launches ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.secret_grants ENABLE ROW LEVEL SECURITY;

CREATE POLICY instances_user_isolation ON df.instances
    USING (submitted_by = (SELECT (quote_ident(current_user))::regrole))
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
-- Users change a status only from pending or running to cancelled (differences, Lifecycle).
CREATE POLICY instances_user_may_only_cancel ON df.instances AS RESTRICTIVE FOR UPDATE
    USING (status IN ('pending', 'running'))
    WITH CHECK (status = 'cancelled');
-- What is written by hand comes by way of df.nodes, with the rights of whoever writes it.
CREATE POLICY nodes_user_isolation ON df._nodes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY freed_keys_user_isolation ON df._freed_keys FOR INSERT
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
CREATE POLICY logins_own_row ON df._logins FOR SELECT
    USING (role_oid = (SELECT (quote_ident(current_user))::regrole)::oid);
CREATE POLICY launches_user_isolation ON df._launches FOR INSERT
    WITH CHECK (role = (SELECT (quote_ident(current_user))::regrole));
-- Everybody sees what concerns them.
CREATE POLICY secret_grants_own ON df.secret_grants FOR SELECT
    USING (role = 0 OR pg_catalog.pg_has_role(role, 'USAGE'));

GRANT INSERT (token) ON df._launches TO PUBLIC;
GRANT SELECT ON df.secret_grants TO PUBLIC;
