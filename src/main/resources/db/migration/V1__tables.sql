-- The tables of schema df (specification 3, architecture 3 to 7).
--
-- Roles are regrole, never oid: where rows are restored, or replicated, the role of that name has another number.
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
    forked_from     varchar(8),
    compensated     boolean NOT NULL DEFAULT false,
    parent_id       varchar(8),
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

COMMENT ON TABLE df.instances IS 'One row per workflow instance: its submitter, its status and its end.';
COMMENT ON COLUMN df.instances.vars IS
    'Variables captured when the instance was started, a JSON object of texts; NULL when there were none.';
COMMENT ON COLUMN df.instances.cancel_reason IS 'Reason given to df.cancel.';
COMMENT ON COLUMN df.instances.started_at IS
    'The time at which the worker took the instance up, or its redrive; written when it lasts, or when it ends.';
COMMENT ON COLUMN df.instances.execution_count IS
    'Number of the current execution, from 1: each df.redrive begins another, and so does each round when the root node is a LOOP.';
COMMENT ON COLUMN df.instances.forked_from IS 'The instance whose results df.fork has copied. It may have been deleted since.';
COMMENT ON COLUMN df.instances.compensated IS 'Whether something was undone because a df.saga of it did not end well.';
COMMENT ON COLUMN df.instances.parent_id IS 'The instance whose df.call has started this one; it ends with it.';
COMMENT ON COLUMN df.instances.output IS
    'Completed: the result text as the worker built it. Failed: the error. Cancelled: canceled: <reason>.';
COMMENT ON COLUMN df.instances.idempotency_key IS
    'Key given to df.start: the same role gets this instance again for it, for as long as the row is kept.';
-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._freed_keys (
    instance_id  varchar(8) NOT NULL,
    submitted_by regrole NOT NULL,
    -- Without a key, nothing could be deleted once somebody publishes FOR ALL TABLES. Both, so that nobody meets a row of somebody else.
    CONSTRAINT _freed_keys_pkey PRIMARY KEY (submitted_by, instance_id)
);
COMMENT ON TABLE df._freed_keys IS 'Ended instances whose idempotency key is taken away; always empty.';
CREATE TABLE df._redrives (
    instance_id  varchar(8) NOT NULL,
    submitted_by regrole NOT NULL,
    from_node    text,
    vars         jsonb,
    asked_in     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- With the transaction: two that ask at once meet at the version of the instance, not here.
    CONSTRAINT _redrives_pkey PRIMARY KEY (submitted_by, instance_id, asked_in)
);
COMMENT ON TABLE df._redrives IS 'Ended instances that are to go on; always empty.';
CREATE TABLE df._forks (
    id              varchar(8) NOT NULL,
    root_node       varchar(8) NOT NULL,
    submitted_by    regrole NOT NULL,
    forked_from     varchar(8) NOT NULL,
    from_node       text,
    replaced        text[] NOT NULL,
    graph           text NOT NULL,
    vars            jsonb,
    idempotency_key text,
    CONSTRAINT _forks_pkey PRIMARY KEY (submitted_by, id)
);
COMMENT ON TABLE df._forks IS 'Instances that are to begin with the completed nodes of another one; always empty.';

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
    status       text,
    CONSTRAINT executions_pkey PRIMARY KEY (instance_id, execution_id)
);
COMMENT ON TABLE df.executions IS
    'Ended executions of instances that were redriven, and of those whose root is a LOOP: one per round that was followed by another. The current execution is the instance row itself.';
COMMENT ON COLUMN df.executions.status IS 'failed or cancelled: the end from which df.redrive has let it go on. NULL: a round.';

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

-- What steps publish: written by the checkpoint of the step alone, which knows whose it is. Nobody else has a right to write it.
CREATE TABLE df._events (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    instance_id  varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    name         text NOT NULL,
    value        jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    bytes        integer NOT NULL,
    CONSTRAINT _events_pkey PRIMARY KEY (id)
);
CREATE INDEX idx_events_name ON df._events (instance_id, name, id);
CREATE INDEX idx_events_new ON df._events (xid, id);
COMMENT ON TABLE df._events IS 'Values that steps have published with df.publish; of each name of an instance the last 1,000.';
COMMENT ON COLUMN df._events.xid IS 'The transaction that published it.';
COMMENT ON COLUMN df._events.bytes IS 'Length of the value as text.';

-- Written by the checkpoint that begins to wait: what has been published before is found by the look that follows it, what is published
-- later by df._news, which finds this row under any leader.
CREATE TABLE df._event_waits (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    instance_id  varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    subject      text NOT NULL,
    node_id      varchar(8) NOT NULL,
    publisher_id text NOT NULL,
    name         text NOT NULL,
    CONSTRAINT _event_waits_pkey PRIMARY KEY (instance_id, subject, node_id)
);
CREATE INDEX idx_event_waits_publisher ON df._event_waits (publisher_id, name, id);
COMMENT ON TABLE df._event_waits IS 'Nodes of df.wait_for_event that wait, with their events.';
COMMENT ON COLUMN df._event_waits.subject IS 'The owner of the node: the instance, or the key of the item in which it stands.';
COMMENT ON COLUMN df._event_waits.publisher_id IS 'The instance that is to publish, as the node names it.';

-- By what instances are found. One without attributes has no row here. Under row-level security no GIN index can be used by a role: its
-- operators are not leakproof. So what can be asked for is rows, whose equality is.
CREATE TABLE df._attributes (
    instance_id  varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    submitted_by regrole NOT NULL,
    attributes   jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT _attributes_pkey PRIMARY KEY (instance_id)
);
COMMENT ON TABLE df._attributes IS 'Attributes of instances; none for those that have none.';
COMMENT ON COLUMN df._attributes.created_at IS 'The time at which the instance was created.';
CREATE TABLE df._attribute_entries (
    instance_id  varchar(8) NOT NULL REFERENCES df._attributes (instance_id) ON DELETE CASCADE,
    submitted_by regrole NOT NULL,
    entry        text NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT _attribute_entries_pkey PRIMARY KEY (instance_id, entry)
);
CREATE INDEX idx_attribute_entries_found ON df._attribute_entries (entry, submitted_by, created_at DESC, instance_id);
COMMENT ON TABLE df._attribute_entries IS 'The content of the attributes of an instance: an entry for each value and each key that holds nothing else.';
COMMENT ON COLUMN df._attribute_entries.entry IS 'A hash of the path and the value.';

---------------------------------------------------------------------------------------------------------------------
-- What the worker writes
---------------------------------------------------------------------------------------------------------------------

-- One narrow row for each instance that has not ended: what the worker has to look at. Nothing is marked when it is taken
-- up: who reads is the only leader, and what is decided is fenced by the version of df._checkpoints.
CREATE TABLE df._inbox (
    instance_id varchar(8) NOT NULL,
    role        regrole NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    wake_at     timestamptz,
    bytes       integer,
    held        boolean,
    limited     boolean,
    CONSTRAINT _inbox_pkey PRIMARY KEY (instance_id)
);
CREATE INDEX idx_inbox_awake ON df._inbox (xid, instance_id) WHERE wake_at IS NULL;
CREATE INDEX idx_inbox_wake_at ON df._inbox (wake_at, instance_id) WHERE wake_at IS NOT NULL;
COMMENT ON TABLE df._inbox IS 'Instances that have not ended.';
COMMENT ON COLUMN df._inbox.xid IS 'The transaction that started the instance.';
COMMENT ON COLUMN df._inbox.wake_at IS
    'NULL: there is something to be done. A time: the instance only waits until then. infinity: it only waits for signals.';
COMMENT ON COLUMN df._inbox.bytes IS 'Of graph and variables when they are read; NULL when the nodes are written by hand.';
COMMENT ON COLUMN df._inbox.held IS
    'true: it must not begin yet (df._starts), and wake_at is infinity. NULL, which costs no byte, for all others.';
COMMENT ON COLUMN df._inbox.limited IS 'true: with the row a slot or a dedup key is given back. NULL for all others.';

-- A checkpoint is the row that takes the version of its instance: who comes second meets the key (architecture 5).
CREATE TABLE df._checkpoints (
    instance_id text NOT NULL,
    version     integer NOT NULL,
    bytes       integer NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    state       jsonb NOT NULL,
    CONSTRAINT _checkpoints_pkey PRIMARY KEY (instance_id, version)
);
COMMENT ON TABLE df._checkpoints IS 'The checkpoints of each instance: one row for each decision that was taken.';
COMMENT ON COLUMN df._checkpoints.instance_id IS 'The instance, or the key of an item (df._map_items).';
COMMENT ON COLUMN df._checkpoints.version IS 'From 1, without a gap when it is written; rows that later ones supersede are deleted.';
COMMENT ON COLUMN df._checkpoints.bytes IS 'Length of the state as it was sent.';
COMMENT ON COLUMN df._checkpoints.state IS
    '{"nodes": {<node id>: {"execution_id", "status", "result": index, "error", "canceled", "wake_at", "started_at", "attempt", "executed_query", "params", "bindings", "at_least_once", "code", "detail", "hint", "position", "step"}}, "results": [...], "columns": [...]}. What is known of a node is its entry in the row with the highest version that has one. {}: a version that was claimed.';

-- Rows that no checkpoint of a step updates: a step in REPEATABLE READ has its snapshot from before.
CREATE TABLE df._running (
    instance_id  text NOT NULL,
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
    'The node does not execute: {"reason", "since", "next_try"} of its wait.';

-- Maps: a row for each time that a node of df.map has begun with its items, and a row for each item. An item is decided by itself:
-- its version is in its row, and who decides it takes the next one there. The row of the map is the owner's; no item writes it.
CREATE TABLE df._maps (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    instance_id    varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    subject        text NOT NULL,
    node_id        varchar(8) NOT NULL,
    execution_id   text NOT NULL,
    generation     integer NOT NULL,
    columns        text,
    activity       jsonb,
    total          bigint,
    opened         bigint NOT NULL DEFAULT 0,
    settled        bigint NOT NULL DEFAULT 0,
    settled_failed bigint NOT NULL DEFAULT 0,
    completed      bigint NOT NULL DEFAULT 0,
    failed         bigint NOT NULL DEFAULT 0,
    ended_at       timestamptz,
    CONSTRAINT _maps_pkey PRIMARY KEY (id),
    CONSTRAINT _maps_execution_key UNIQUE (subject, node_id, execution_id),
    CONSTRAINT _maps_generation_key UNIQUE (instance_id, node_id, generation)
) WITH (fillfactor = 70);
COMMENT ON TABLE df._maps IS 'Executions of nodes of df.map.';
COMMENT ON COLUMN df._maps.subject IS 'The owner of the node: the instance, or the key of the item in which it stands.';
COMMENT ON COLUMN df._maps.columns IS 'Columns of the items, as of a result; NULL when the items are no rows.';
COMMENT ON COLUMN df._maps.activity IS 'Of items that are nothing but an activity: its kind, and the step at which an item fails.';
COMMENT ON COLUMN df._maps.total IS 'The number of items; NULL until all are written.';
COMMENT ON COLUMN df._maps.opened IS 'No item behind this one has ever been begun.';
COMMENT ON COLUMN df._maps.settled IS 'All items up to this one have ended, settled_failed of them badly.';
COMMENT ON COLUMN df._maps.completed IS 'Items that are completed, as of a moment ago; so is failed.';

-- A version that changes, and a status: neither is in an index.
CREATE TABLE df._map_items (
    map_id       bigint NOT NULL,
    ordinal      bigint NOT NULL,
    item         jsonb NOT NULL,
    version      integer NOT NULL DEFAULT 0,
    status       text NOT NULL DEFAULT 'pending',
    attempt      integer NOT NULL DEFAULT 0,
    result       jsonb,
    error        text,
    code         text,
    failure      jsonb,
    claim        uuid,
    started_at   timestamptz,
    completed_at timestamptz,
    CONSTRAINT _map_items_pkey PRIMARY KEY (map_id, ordinal)
) WITH (fillfactor = 80);
COMMENT ON TABLE df._map_items IS 'Items of maps. The key of an item is <instance>.<map_id>.<ordinal>, of a batch that of its first one.';
COMMENT ON COLUMN df._map_items.version IS 'The number of the latest decision on the item; 0 before the first.';
COMMENT ON COLUMN df._map_items.status IS 'pending, completed, failed or cancelled.';
COMMENT ON COLUMN df._map_items.claim IS 'The end of the token of the program that has decided it.';
COMMENT ON COLUMN df._map_items.failure IS 'Of a failed one the step of the body at which it failed, see df.map_items.';

-- Beside the row of the map, which a caller of df.set_map must not be able to lock.
CREATE TABLE df._map_settings (
    map_id         bigint NOT NULL REFERENCES df._maps (id) ON DELETE CASCADE,
    max_concurrent integer NOT NULL,
    CONSTRAINT _map_settings_pkey PRIMARY KEY (map_id)
);
COMMENT ON TABLE df._map_settings IS 'The settings of maps that df.set_map has changed.';

-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._map_changes (
    instance_id    varchar(8) NOT NULL,
    node_id        varchar(8) NOT NULL,
    max_concurrent integer NOT NULL,
    submitted_by   regrole NOT NULL,
    asked_in       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _map_changes_pkey PRIMARY KEY (submitted_by, instance_id, node_id, asked_in)
);
COMMENT ON TABLE df._map_changes IS 'Calls of df.set_map; always empty.';

-- Named workflows. A version is never changed.
CREATE TABLE df._definitions (
    owner      regrole NOT NULL,
    name       text NOT NULL,
    version    integer NOT NULL,
    graph      text NOT NULL,
    params     jsonb,
    comment    text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _definitions_pkey PRIMARY KEY (owner, name, version)
);
COMMENT ON TABLE df._definitions IS 'Versions of named workflows.';
CREATE TABLE df._definition_grants (
    owner regrole NOT NULL,
    name  text NOT NULL,
    role  regrole NOT NULL,
    CONSTRAINT _definition_grants_pkey PRIMARY KEY (owner, name, role)
);
COMMENT ON TABLE df._definition_grants IS 'The roles that may call a named workflow of another role.';
COMMENT ON COLUMN df._definition_grants.role IS 'The role, whose members may call it too; 0 is PUBLIC.';
-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._definition_changes (
    owner    regrole NOT NULL,
    name     text NOT NULL,
    action   text NOT NULL,
    role     regrole,
    graph    text,
    params   jsonb,
    comment  text,
    asked_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _definition_changes_pkey PRIMARY KEY (owner, name, asked_in)
);
COMMENT ON TABLE df._definition_changes IS 'Calls of df.define and of other functions that change a definition; always empty.';
CREATE TABLE df._child_starts (
    parent_id    varchar(8) NOT NULL,
    submitted_by regrole NOT NULL,
    subject      text NOT NULL,
    node_id      text NOT NULL,
    execution_id text NOT NULL,
    reply        text NOT NULL,
    owner        regrole NOT NULL,
    name         text NOT NULL,
    version      integer NOT NULL,
    graph        text NOT NULL,
    vars         jsonb,
    CONSTRAINT _child_starts_pkey PRIMARY KEY (submitted_by, subject, node_id, execution_id)
);
COMMENT ON TABLE df._child_starts IS 'Children that are being started; always empty.';
-- The key is what a crash cannot start twice.
CREATE TABLE df._calls (
    parent_id    varchar(8) NOT NULL,
    subject      text NOT NULL,
    node_id      text NOT NULL,
    execution_id text NOT NULL,
    child_id     varchar(8) NOT NULL,
    reply        text NOT NULL,
    owner        regrole NOT NULL,
    name         text NOT NULL,
    version      integer NOT NULL,
    ended_at     timestamptz,
    CONSTRAINT _calls_pkey PRIMARY KEY (subject, node_id, execution_id),
    CONSTRAINT _calls_child_key UNIQUE (child_id)
);
CREATE INDEX idx_calls_parent ON df._calls (parent_id);
COMMENT ON TABLE df._calls IS 'Children of instances: one for each execution of a node of df.call.';
COMMENT ON COLUMN df._calls.subject IS 'The owner of the node: the instance, or the key of the item of a map in which it stands.';
COMMENT ON COLUMN df._calls.reply IS 'The name of the signal by which the parent learns that the child has ended.';

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
COMMENT ON COLUMN df._tries.version IS 'The version that they were at; after a later commit the count begins anew.';
COMMENT ON COLUMN df._tries.epoch IS 'The latest term that has taken it over.';
COMMENT ON COLUMN df._tries.tries IS 'The number of terms that have taken it over while nothing of it was committed.';
COMMENT ON COLUMN df._tries.quick IS 'The number of the latest ones in a row that did not last five seconds more, as far as is known.';
COMMENT ON COLUMN df._tries.set_aside_at IS 'Since when no leader works on it, until df.resume.';

-- Queues (ADR 170). An instance without a queue, a time or a dedup key has no row in any of these tables. The number of a queue is
-- drawn, so that copied rows need no sequence.
CREATE TABLE df._queues (
    id                  uuid NOT NULL DEFAULT gen_random_uuid(),
    owner               regrole NOT NULL,
    name                text NOT NULL,
    concurrency         integer,
    concurrency_per_key integer,
    rate                integer,
    per                 interval,
    overflow            text NOT NULL DEFAULT 'wait',
    paused_at           timestamptz,
    pause_reason        text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    dropped_at          timestamptz,
    CONSTRAINT _queues_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX _queues_name_key ON df._queues (owner, name) WHERE dropped_at IS NULL;
COMMENT ON TABLE df._queues IS 'Queues and their limits; NULL is no limit.';
COMMENT ON COLUMN df._queues.pause_reason IS 'Why it has paused itself; NULL when somebody has paused it.';
COMMENT ON COLUMN df._queues.dropped_at IS
    'Its name is free again. The row stays for a while: a session that had read it may have started an instance in it.';
CREATE TABLE df._queue_grants (
    queue uuid NOT NULL REFERENCES df._queues (id) ON DELETE CASCADE,
    role  regrole NOT NULL,
    CONSTRAINT _queue_grants_pkey PRIMARY KEY (queue, role)
);
COMMENT ON TABLE df._queue_grants IS 'Roles, with their members, that may start instances in a queue of another role.';
CREATE TABLE df._queue_turns (
    queue    uuid NOT NULL REFERENCES df._queues (id) ON DELETE CASCADE,
    priority integer NOT NULL,
    key      text COLLATE "C" NOT NULL,
    CONSTRAINT _queue_turns_pkey PRIMARY KEY (queue, priority)
) WITH (fillfactor = 50);
COMMENT ON TABLE df._queue_turns IS 'The key that had its turn last, within a priority of a queue.';
-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._queue_changes (
    submitted_by regrole NOT NULL,
    action       text NOT NULL,
    name         text NOT NULL,
    settings     jsonb NOT NULL DEFAULT '{}',
    asked_in     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _queue_changes_pkey PRIMARY KEY (submitted_by, name, action, asked_in)
);
COMMENT ON TABLE df._queue_changes IS 'Calls of df.create_queue and the others that manage queues; always empty.';
CREATE TABLE df._start_requests (
    id              varchar(8) NOT NULL,
    label           text,
    root_node       varchar(8) NOT NULL,
    submitted_by    regrole NOT NULL,
    database        text,
    vars            jsonb,
    idempotency_key text,
    graph           text NOT NULL,
    queue           text,
    key             text,
    priority        integer,
    start_at        timestamptz,
    dedup           text,
    on_duplicate    text,
    debounce        boolean,
    CONSTRAINT _start_requests_pkey PRIMARY KEY (submitted_by, id)
);
COMMENT ON TABLE df._start_requests IS 'Starts with a queue, a time or a dedup key; always empty.';

-- What asks for the slot of a section of a workflow is put into df._starts by a trigger, and the row is gone again.
CREATE TABLE df._section_requests (
    submitted_by regrole NOT NULL,
    subject      text NOT NULL,
    node_id      text NOT NULL,
    execution_id text NOT NULL,
    reply        text NOT NULL,
    queue        text NOT NULL,
    key          text,
    CONSTRAINT _section_requests_pkey PRIMARY KEY (submitted_by, subject, node_id, execution_id)
);
COMMENT ON TABLE df._section_requests IS 'Sections of workflows that ask for a slot; always empty.';

-- The row itself is the slot: taken from admitted_at to ended_at. That of an instance stays for as long as the instance, which may be
-- redriven; that of a section (df.with_queue) is gone with the decision that ends the section. Who changes the row of an instance that
-- is held has locked its row of df._inbox before.
CREATE TABLE df._starts (
    instance_id  varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    role         regrole NOT NULL,
    queue        uuid,
    key          text COLLATE "C" NOT NULL DEFAULT '',
    priority     integer NOT NULL DEFAULT 0,
    queued_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    start_at     timestamptz,
    admitted_at  timestamptz,
    ended_at     timestamptz,
    section      text NOT NULL DEFAULT '',
    subject      text,
    node_id      text,
    execution_id text,
    signal       bigint,
    CONSTRAINT _starts_pkey PRIMARY KEY (instance_id, section)
) WITH (fillfactor = 80);
CREATE INDEX idx_starts_waiting ON df._starts (queue, priority, key, queued_at, instance_id)
    WHERE queue IS NOT NULL AND start_at IS NULL AND admitted_at IS NULL AND ended_at IS NULL;
CREATE INDEX idx_starts_running ON df._starts (queue, key) WHERE admitted_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX idx_starts_later ON df._starts (role, start_at) WHERE start_at IS NOT NULL AND ended_at IS NULL;
COMMENT ON TABLE df._starts IS
    'Instances that were started in a queue, those that wait for their time, and sections of instances that wait or run in a queue.';
COMMENT ON COLUMN df._starts.section IS 'The name of the signal by which a section is given its slot; empty for the instance itself.';
COMMENT ON COLUMN df._starts.subject IS 'Of a section: the subject that decides its node, the instance or the key of an item of a map.';
COMMENT ON COLUMN df._starts.signal IS 'The signal by which a section was given its slot.';
COMMENT ON COLUMN df._starts.queue IS 'NULL: it only waits for its time, and the row goes when that has come.';
COMMENT ON COLUMN df._starts.key IS 'Empty: it has none, and no limit by key.';
COMMENT ON COLUMN df._starts.start_at IS 'Not before then; NULL when that has come.';
-- Rows that no checkpoint of a step updates: a step in REPEATABLE READ has its snapshot from before. No foreign key: a submitter can
-- lock the row of an instance, which the worker must not wait for.
CREATE TABLE df._queue_begins (
    instance_id varchar(8) NOT NULL,
    queue       uuid NOT NULL,
    began_at    timestamptz NOT NULL,
    section     text NOT NULL DEFAULT '',
    CONSTRAINT _queue_begins_pkey PRIMARY KEY (instance_id, section)
) WITH (fillfactor = 80);
CREATE INDEX idx_queue_begins ON df._queue_begins (queue, began_at);
COMMENT ON TABLE df._queue_begins IS 'Instances and sections that queues with a rate have admitted of late; rows older than the rate''s span are deleted.';
COMMENT ON COLUMN df._queue_begins.began_at IS
    'The begin of its first step, or somewhat later. infinity: that is not known, and it may begin at any moment.';

CREATE TABLE df._dedups (
    submitted_by regrole NOT NULL,
    queue        uuid NOT NULL,
    key          text NOT NULL,
    instance_id  varchar(8) NOT NULL,
    debounced    boolean NOT NULL,
    CONSTRAINT _dedups_pkey PRIMARY KEY (submitted_by, queue, key)
);
CREATE INDEX idx_dedups_instance ON df._dedups (instance_id);
COMMENT ON TABLE df._dedups IS 'The instance that holds a dedup key. The row is gone when the instance has ended.';
COMMENT ON COLUMN df._dedups.queue IS 'Zeros for none.';
COMMENT ON COLUMN df._dedups.debounced IS 'It holds the key only until it begins.';

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
    unknown_zones text[] NOT NULL DEFAULT '{}',
    CONSTRAINT _worker_epoch_pkey PRIMARY KEY (epoch_id)
);
COMMENT ON TABLE df._worker_epoch IS 'One row: the leading worker''s term, and when it was last seen (about every 2 s).';
COMMENT ON COLUMN df._worker_epoch.unknown_zones IS
    'Time zones that this server knows and the Java of the leading worker does not, whose time zone data are older.';

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
    role_oid   regrole NOT NULL,
    problem    text NOT NULL,
    failed_at  timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT _logins_pkey PRIMARY KEY (role_oid)
);
COMMENT ON TABLE df._logins IS
    'Roles as which the worker cannot log in, and why; df.start refuses them. A role sees its own row only.';

-- Who asks for a session of their own (df.start with transaction_mode => 'new', ADR 31).
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
    'Proof of the effective role: written and deleted within one call of df.start, so empty to every reader.';

-- Which role may have which secret sent in its HTTP requests. Values are not in the database: they are files of the worker.
CREATE TABLE df.secret_grants (
    name text NOT NULL
        CONSTRAINT secret_grants_name_chk
            CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,252})?$'),
    role regrole NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, role)
);
COMMENT ON TABLE df.secret_grants IS 'The secrets that each role may use in HTTP requests; see df.grant_secret.';
COMMENT ON COLUMN df.secret_grants.role IS 'The role, whose members may use the secret too; 0 is PUBLIC.';

---------------------------------------------------------------------------------------------------------------------
-- Whose rows
---------------------------------------------------------------------------------------------------------------------

ALTER TABLE df.instances ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.vars ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE df.signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._events ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._event_waits ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._attributes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._attribute_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._freed_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._redrives ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._forks ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._maps ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._map_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._map_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._map_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._definitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._definition_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._definition_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._child_starts ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._running ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._queues ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._queue_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._queue_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._queue_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._start_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._section_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._starts ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._queue_begins ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._dedups ENABLE ROW LEVEL SECURITY;
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
-- Rows written by hand come by way of df.nodes, with the rights of the writing role.
CREATE POLICY nodes_user_isolation ON df._nodes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY freed_keys_user_isolation ON df._freed_keys FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY map_changes_user_isolation ON df._map_changes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY queue_changes_user_isolation ON df._queue_changes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY start_requests_user_isolation ON df._start_requests FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY definition_changes_user_isolation ON df._definition_changes FOR INSERT
    WITH CHECK (owner = (SELECT (quote_ident(current_user))::regrole));
-- OFFSET 0 has the one instance looked up: the planner may take all of the role's for a hash instead.
CREATE POLICY child_starts_user_isolation ON df._child_starts FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole)
        AND EXISTS (SELECT FROM df.instances i WHERE i.id = _child_starts.parent_id AND i.submitted_by = _child_starts.submitted_by OFFSET 0));
CREATE POLICY section_requests_user_isolation ON df._section_requests FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole)
        AND EXISTS (SELECT FROM df.instances i WHERE i.id = left(_section_requests.subject, 8)
                    AND i.submitted_by = _section_requests.submitted_by OFFSET 0));
-- The instance is looked for with the rights of the inserting role.
CREATE POLICY redrives_user_isolation ON df._redrives FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole)
        AND EXISTS (SELECT FROM df.instances i WHERE i.id = _redrives.instance_id AND i.submitted_by = _redrives.submitted_by OFFSET 0));
CREATE POLICY forks_user_isolation ON df._forks FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole)
        AND EXISTS (SELECT FROM df.instances i WHERE i.id = _forks.forked_from OFFSET 0));
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
                   AND i.submitted_by = (SELECT (quote_ident(current_user))::regrole) OFFSET 0));
CREATE POLICY events_user_isolation ON df._events FOR SELECT
    USING (EXISTS (SELECT FROM df.instances i WHERE i.id = instance_id
                   AND i.submitted_by = (SELECT (quote_ident(current_user))::regrole)));
CREATE POLICY attributes_user_isolation ON df._attributes FOR SELECT
    USING (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY attributes_of_own_instance ON df._attributes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole)
        AND EXISTS (SELECT FROM df.instances i WHERE i.id = instance_id AND i.submitted_by = _attributes.submitted_by OFFSET 0));
CREATE POLICY attribute_entries_user_isolation ON df._attribute_entries FOR SELECT
    USING (submitted_by = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY logins_own_row ON df._logins FOR SELECT
    USING (role_oid = (SELECT (quote_ident(current_user))::regrole));
CREATE POLICY launches_user_isolation ON df._launches FOR INSERT
    WITH CHECK (role = (SELECT (quote_ident(current_user))::regrole));
-- Everybody sees what concerns them.
CREATE POLICY secret_grants_own ON df.secret_grants FOR SELECT
    USING (role = 0 OR pg_catalog.pg_has_role(role, 'USAGE'));

GRANT INSERT (token) ON df._launches TO PUBLIC;
GRANT SELECT ON df.secret_grants TO PUBLIC;

---------------------------------------------------------------------------------------------------------------------
-- Schedules
---------------------------------------------------------------------------------------------------------------------

-- Written by definer functions for their role, and by the leader. No submitter has a right on them: who changes a schedule
-- locks its row, which the leader passes by.
CREATE TABLE df._schedules (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    submitted_by regrole NOT NULL,
    name         text NOT NULL,
    cron         text NOT NULL,
    timezone     text NOT NULL,
    overlap      text NOT NULL,
    catch_up     interval NOT NULL,
    jitter       interval,
    graph        text NOT NULL,
    options      jsonb,
    version      bigint NOT NULL DEFAULT 1,
    next_at      timestamptz,
    due_at       timestamptz,
    buffered_at  timestamptz,
    paused_at    timestamptz,
    pause_reason text,
    active_from  timestamptz NOT NULL DEFAULT '-infinity',
    created_at   timestamptz NOT NULL DEFAULT now(),
    changed_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT _schedules_pkey PRIMARY KEY (id),
    CONSTRAINT _schedules_name_key UNIQUE (submitted_by, name)
) WITH (fillfactor = 70);
-- What is due, and what is due of each role.
CREATE INDEX idx_schedules_due ON df._schedules (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX idx_schedules_due_of_role ON df._schedules (submitted_by, due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE df._schedules IS 'Schedules of all roles; df.schedules shows each role its own.';
COMMENT ON COLUMN df._schedules.version IS 'Changes with each write: a plan that was made for another version is not carried out.';
COMMENT ON COLUMN df._schedules.next_at IS 'The first planned time that is not decided; NULL when there is none.';
COMMENT ON COLUMN df._schedules.due_at IS 'The time of the leader''s next look at the schedule; NULL while it is paused.';
COMMENT ON COLUMN df._schedules.buffered_at IS 'The planned time of the run that waits for the end of another one.';
COMMENT ON COLUMN df._schedules.active_from IS 'No run of an earlier planned time is active: the index begins to be read here.';

CREATE TABLE df._schedule_runs (
    schedule_id bigint NOT NULL REFERENCES df._schedules (id) ON DELETE CASCADE,
    planned_at  timestamptz NOT NULL,
    outcome     text NOT NULL,
    instance_id varchar(8),
    reason      text,
    active      boolean NOT NULL DEFAULT false,
    decided_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _schedule_runs_pkey PRIMARY KEY (schedule_id, planned_at)
);
CREATE INDEX idx_schedule_runs_active ON df._schedule_runs (schedule_id, planned_at) WHERE active;
CREATE INDEX idx_schedule_runs_decided ON df._schedule_runs (decided_at);
COMMENT ON TABLE df._schedule_runs IS
    'The outcome of each planned time. The key makes sure that a planned time starts one instance: the row and the instance are one commit.';
COMMENT ON COLUMN df._schedule_runs.active IS 'Whether the instance had not ended when the leader looked last.';

-- What a submitter inserts is done by a trigger, and the row is gone again.
CREATE TABLE df._schedule_changes (
    submitted_by regrole NOT NULL,
    name         text NOT NULL,
    action       text NOT NULL,
    cron         text,
    timezone     text,
    overlap      text,
    catch_up     interval,
    jitter       interval,
    graph        text,
    options      jsonb,
    reason       text,
    from_time    timestamptz,
    to_time      timestamptz,
    asked_in     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _schedule_changes_pkey PRIMARY KEY (submitted_by, name, asked_in)
);
COMMENT ON TABLE df._schedule_changes IS 'Calls of df.create_schedule and the like; always empty.';

ALTER TABLE df._schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._schedule_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._schedule_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY schedule_changes_user_isolation ON df._schedule_changes FOR INSERT
    WITH CHECK (submitted_by = (SELECT (quote_ident(current_user))::regrole));

---------------------------------------------------------------------------------------------------------------------
-- Activities and approvals: what somebody else decides
---------------------------------------------------------------------------------------------------------------------

-- A row for each node of df.activity or df.approval that waits, written by the checkpoint that says so and gone when it is decided. Who
-- claims one may lock it for as long as he likes: the owner never waits for such a row (ADR 230).
CREATE TABLE df._activities (
    id            bigint GENERATED ALWAYS AS IDENTITY,
    instance_id   varchar(8) NOT NULL,
    subject       text,
    node_id       text NOT NULL,
    execution_id  text NOT NULL,
    reply         text,
    map_id        bigint,
    ordinal       bigint,
    version       integer,
    role          regrole NOT NULL,
    kind          text NOT NULL,
    payload       jsonb,
    bytes         integer NOT NULL,
    lease         interval,
    max_attempts  integer,
    assignees     regrole[],
    quorum        integer,
    not_submitter boolean,
    is_undo       boolean NOT NULL,
    priority      integer NOT NULL,
    turn          bigint NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt       integer NOT NULL DEFAULT 0,
    token         text,
    claimed_by    regrole,
    claimed_at    timestamptz,
    lease_until   timestamptz,
    progress      jsonb,
    answer        jsonb,
    together      bigint[],
    CONSTRAINT _activities_pkey PRIMARY KEY (id),
    CONSTRAINT _activities_decides_check CHECK ((map_id IS NULL) = (subject IS NOT NULL AND reply IS NOT NULL)
        AND (map_id IS NULL) = (ordinal IS NULL) AND (map_id IS NULL) = (version IS NULL))
) WITH (fillfactor = 40);
CREATE UNIQUE INDEX idx_activities_execution ON df._activities (instance_id, subject, node_id, execution_id) WHERE map_id IS NULL;
CREATE UNIQUE INDEX idx_activities_item ON df._activities (map_id, ordinal, version) WHERE map_id IS NOT NULL;
CREATE INDEX idx_activities_waiting ON df._activities (kind, role, priority, turn, id) WHERE token IS NULL AND assignees IS NULL;
CREATE INDEX idx_activities_turn ON df._activities (instance_id, turn);
CREATE INDEX idx_activities_lease ON df._activities (lease_until) WHERE token IS NOT NULL;
CREATE INDEX idx_activities_tasks ON df._activities (id) WHERE assignees IS NOT NULL;
COMMENT ON TABLE df._activities IS 'Nodes that a program or a person decides, and that are not decided yet.';
COMMENT ON COLUMN df._activities.subject IS 'The subject that decides the node: the instance, or the key of an item of a map in which it stands. NULL: it is the whole body of the item, and the end of the one is that of the other.';
COMMENT ON COLUMN df._activities.reply IS 'The name of the signal that ends the node; NULL as subject.';
COMMENT ON COLUMN df._activities.version IS 'Of the item, on which its end is decided.';
COMMENT ON COLUMN df._activities.role IS 'The submitter of the instance.';
COMMENT ON COLUMN df._activities.kind IS 'Of an approval its title.';
COMMENT ON COLUMN df._activities.assignees IS 'The roles that may decide it; NULL: it is an activity, and a program claims it. 0 is PUBLIC.';
COMMENT ON COLUMN df._activities.is_undo IS 'It belongs to an undo, also of an instance that is cancelled.';
COMMENT ON COLUMN df._activities.turn IS 'In which turn of its instance it stands: instances take turns.';
COMMENT ON COLUMN df._activities.token IS 'Of the claim that is the current one; NULL while nobody has claimed it.';
COMMENT ON COLUMN df._activities.together IS 'Of items that a transaction decides, ids of those for which this row stands at its COMMIT.';
COMMENT ON COLUMN df._activities.answer IS 'Its end in the transaction that has written this; no other sees it.';

-- Who decides an activity inserts its row here, at COMMIT: of a program and the owner the first one.
CREATE TABLE df._activity_ends (
    activity_id  bigint NOT NULL,
    instance_id  varchar(8) NOT NULL,
    subject      text NOT NULL,
    node_id      text NOT NULL,
    execution_id text NOT NULL,
    reply        text NOT NULL,
    role         regrole NOT NULL,
    kind         text NOT NULL,
    is_task      boolean NOT NULL,
    token        text,
    outcome      text NOT NULL,
    ended_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _activity_ends_pkey PRIMARY KEY (activity_id)
);
CREATE INDEX idx_activity_ends_instance ON df._activity_ends (instance_id);
CREATE INDEX idx_activity_ends_time ON df._activity_ends (ended_at);
CREATE INDEX idx_activity_ends_stopped ON df._activity_ends (ended_at) WHERE outcome = 'stopped';
CREATE INDEX idx_activity_ends_kind ON df._activity_ends (kind, role, ended_at) WHERE NOT is_task;
COMMENT ON TABLE df._activity_ends IS 'Activities and approvals that ended in the last minutes, and those that a claimer holds although their node has ended.';
COMMENT ON COLUMN df._activity_ends.outcome IS 'completed, failed, lost; stopped: the node has ended, and its row of df._activities was locked.';

-- Items of maps that activities have ended, for the worker of the map: a row for each transaction and map. Found by transaction, as
-- signals.
CREATE TABLE df._item_ends (
    xid       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    map_id    bigint NOT NULL,
    first     bigint NOT NULL,
    role      regrole NOT NULL,
    kind      text NOT NULL,
    completed bigint[] NOT NULL,
    failed    bigint[] NOT NULL,
    ended_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _item_ends_pkey PRIMARY KEY (xid, map_id, first)
);
CREATE INDEX idx_item_ends_kind ON df._item_ends (kind, role, ended_at);
COMMENT ON TABLE df._item_ends IS 'Items of maps that activities have ended in the last minutes.';
COMMENT ON COLUMN df._item_ends.first IS 'The first of the ordinals.';
COMMENT ON COLUMN df._item_ends.completed IS 'Ordinals; so is failed.';

CREATE TABLE df._activity_votes (
    activity_id bigint NOT NULL REFERENCES df._activities (id) ON DELETE CASCADE,
    role        regrole NOT NULL,
    decision    text NOT NULL,
    comment     text,
    decided_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _activity_votes_pkey PRIMARY KEY (activity_id, role)
);
COMMENT ON TABLE df._activity_votes IS 'Decisions on approvals that need more than one.';

CREATE TABLE df._activity_grants (
    owner regrole NOT NULL,
    kind  text NOT NULL,
    role  regrole NOT NULL,
    CONSTRAINT _activity_grants_pkey PRIMARY KEY (kind, owner, role)
);
COMMENT ON TABLE df._activity_grants IS 'The other roles that may claim activities of a kind.';
COMMENT ON COLUMN df._activity_grants.role IS 'The role, whose members may claim them too; 0 is PUBLIC.';

-- Where claims begin to look. What was claimed stays in the index behind for as long as an old snapshot is held, in this database or on a standby.
CREATE TABLE df._activity_marks (
    kind      text NOT NULL,
    role      regrole NOT NULL,
    priority  integer NOT NULL,
    turn      bigint NOT NULL,
    next_turn bigint,
    beginners text[],
    CONSTRAINT _activity_marks_pkey PRIMARY KEY (kind, role, priority)
) WITH (fillfactor = 10);
COMMENT ON TABLE df._activity_marks IS 'Of each kind the turn before which no activity waits.';
COMMENT ON COLUMN df._activity_marks.next_turn IS 'The next value of turn, for the time when the beginners have ended. No activity that begins stands before it.';
COMMENT ON COLUMN df._activity_marks.beginners IS 'Transactions that began an activity and were running when next_turn was known, as pg_locks.virtualtransaction; NULL before they are noted.';

CREATE TABLE df._activity_channels (
    role    regrole NOT NULL,
    kind    text NOT NULL,
    channel text NOT NULL DEFAULT concat('df_activity_', replace(gen_random_uuid()::text, '-', '')),
    CONSTRAINT _activity_channels_pkey PRIMARY KEY (kind, role)
);
COMMENT ON TABLE df._activity_channels IS 'Channels that roles listen on for activities of a kind. Their names are drawn, since anybody can listen on any channel.';

-- A call of df.claim_activities and the like. A trigger does what is asked and inserts nothing. The role is the effective one, which no
-- definer function could know: nobody has the right to write that column, so its default is the truth.
CREATE TABLE df._activity_calls (
    role     regrole NOT NULL DEFAULT (quote_ident(current_user))::regrole,
    action   text NOT NULL,
    kind     text,
    number   bigint,
    token    text,
    lease    interval,
    document jsonb,
    words    text[],
    documents jsonb[],
    CONSTRAINT _activity_calls_pkey PRIMARY KEY (role, action)
);
COMMENT ON TABLE df._activity_calls IS 'Calls of df.claim_activities and the like; always empty.';

ALTER TABLE df._activities ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_ends ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._item_ends ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._activity_calls ENABLE ROW LEVEL SECURITY;
CREATE POLICY activity_calls_user_isolation ON df._activity_calls FOR INSERT
    WITH CHECK (role = (SELECT (quote_ident(current_user))::regrole));

---------------------------------------------------------------------------------------------------------------------
-- Addresses by which people and services outside of the database answer a step
---------------------------------------------------------------------------------------------------------------------

-- Only the owner reads them: who has a key can send any signal.
CREATE TABLE df._address_keys (
    id         integer NOT NULL,
    key        bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    CONSTRAINT _address_keys_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE df._address_keys IS 'Keys that sign addresses ({sys_signal_url:name}); the one that is not retired signs, all of them are believed.';

CREATE TABLE df._addresses_used (
    instance_id varchar(8) NOT NULL REFERENCES df.instances (id) ON DELETE CASCADE,
    once        uuid NOT NULL,
    used_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT _addresses_used_pkey PRIMARY KEY (instance_id, once)
);
COMMENT ON TABLE df._addresses_used IS 'Addresses that have been used: each works once.';

ALTER TABLE df._address_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE df._addresses_used ENABLE ROW LEVEL SECURITY;
