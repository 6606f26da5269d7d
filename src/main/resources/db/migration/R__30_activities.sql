-- Activities and approvals: nodes that somebody else decides, a program or a person (ADR 230).
--
-- The checkpoint that says that such a node waits writes a row of df._activities. A program claims it, and completes it in a transaction of
-- its own: at COMMIT that inserts the end and the signal which ends the node, so that what the program has written and the end of the node
-- are one commit. Who claims may lock the row for as long as he likes: whatever the owner does passes it by. When its node has ended
-- meanwhile, the owner has inserted an end of the same key, which the program meets at COMMIT.

---------------------------------------------------------------------------------------------------------------------
-- The builders
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._activity_kind_problem(what text, kind text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN kind IS NULL OR kind ~ '^\s*$' THEN format('the %s must not be empty', what)
            WHEN octet_length(kind) > 255 THEN format('the %s has %s bytes, at most 255 are allowed', what, octet_length(kind))
            WHEN kind ~ '[[:cntrl:]]' OR btrim(kind) <> kind THEN format('the %s has no control characters, and no blanks at its ends', what) END
$$;
COMMENT ON FUNCTION df._activity_kind_problem(text, text) IS 'Internal: why a text cannot be the kind of an activity; NULL when it can.';

-- As dev.perdure.graph.NodeParser reads it.
CREATE OR REPLACE FUNCTION df._activity_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF query IS NULL OR node_type IS NULL OR node_type NOT IN ('ACTIVITY', 'APPROVAL') THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    IF config IS NULL THEN
        RETURN format('query in %s must be a JSON config object', node_type);
    ELSIF node_type = 'ACTIVITY' THEN
        RETURN CASE
            WHEN coalesce(jsonb_typeof(config -> 'kind'), '') <> 'string' THEN 'ACTIVITY has no kind'
            WHEN df._activity_kind_problem('kind', config ->> 'kind') IS NOT NULL THEN df._activity_kind_problem('kind', config ->> 'kind')
            WHEN coalesce(jsonb_typeof(config -> 'payload'), '') <> 'string' THEN 'ACTIVITY has no payload'
            WHEN (jsonb_typeof(config -> 'lease_ms') = 'number' AND config ->> 'lease_ms' ~ '^[0-9]{4,10}$'
                  AND (config ->> 'lease_ms')::bigint BETWEEN 1000 AND 2592000000) IS NOT TRUE
                THEN 'lease_ms of ACTIVITY is not an integer from 1000 to 2592000000'
            WHEN (jsonb_typeof(config -> 'max_attempts') = 'number' AND config ->> 'max_attempts' ~ '^[0-9]{1,7}$'
                  AND (config ->> 'max_attempts')::bigint BETWEEN 1 AND 1000000) IS NOT TRUE
                THEN 'max_attempts of ACTIVITY is not a whole number from 1 to 1000000' END;
    END IF;
    RETURN CASE
        WHEN coalesce(jsonb_typeof(config -> 'title'), '') <> 'string' OR config ->> 'title' ~ '^\s*$' OR octet_length(config ->> 'title') > 1024
            THEN 'APPROVAL has no title of 1 to 1024 bytes'
        WHEN coalesce(jsonb_typeof(config -> 'assignees'), '') <> 'array' OR jsonb_array_length(config -> 'assignees') NOT BETWEEN 1 AND 100
            OR jsonb_path_exists(config -> 'assignees', 'strict $[*] ? (@.type() != "string" || @ == "")') THEN 'assignees of APPROVAL must be 1 to 100 names of roles'
        WHEN coalesce(jsonb_typeof(config -> 'payload'), 'null') NOT IN ('string', 'null') THEN 'payload of APPROVAL is not a string'
        WHEN (jsonb_typeof(config -> 'quorum') = 'number' AND config ->> 'quorum' ~ '^[0-9]{1,4}$'
              AND (config ->> 'quorum')::integer BETWEEN 1 AND 1000) IS NOT TRUE THEN 'quorum of APPROVAL is not a whole number from 1 to 1000'
        WHEN coalesce(jsonb_typeof(config -> 'not_submitter'), 'null') NOT IN ('boolean', 'null')
            THEN 'not_submitter of APPROVAL is neither true nor false' END;
END
$$;
COMMENT ON FUNCTION df._activity_problem(text, text) IS
    'Internal: the problem with the configuration of an ACTIVITY or APPROVAL; NULL without one, and for other nodes.';

CREATE OR REPLACE FUNCTION df._check_payload(builder text, payload text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    -- What has references is JSON when they are filled in.
    IF payload !~ '[$]|[{][A-Za-z_]' AND NOT df._is_json(payload) THEN
        RAISE EXCEPTION '%: the payload is no JSON: %', builder, left(payload, 100) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example ''{"id": "$item.id"}''. Inside double quotes a reference is escaped.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_payload(text, text) IS 'Internal: raises when a payload without references is no JSON.';

CREATE OR REPLACE FUNCTION df.activity(kind text, payload text DEFAULT '{}', lease interval DEFAULT '1 minute', max_attempts integer DEFAULT 20)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    millis numeric := round(extract(epoch FROM lease)::numeric * 1000);
    problem text := df._activity_kind_problem('kind', kind);
BEGIN
    PERFORM df._require(0, 'kind', kind IS NOT NULL), df._require(2, 'lease', lease IS NOT NULL),
            df._require(3, 'max_attempts', max_attempts IS NOT NULL);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.activity: %', problem USING ERRCODE = 'invalid_parameter_value';
    -- What an infinite interval (PostgreSQL 17) has is more than any limit.
    ELSIF NOT millis BETWEEN 1000 AND 2592000000 THEN
        RAISE EXCEPTION 'df.activity: lease must be between 1 second and 30 days, not %', lease USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT max_attempts BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'df.activity: max_attempts must be between 1 and 1000000, not %', max_attempts USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_payload('df.activity', payload);
    RETURN df._as_node(concat('{"node_type":"ACTIVITY","query":', to_json(concat('{"kind":', to_json(kind), ',"payload":',
        to_json(coalesce(payload, '{}')), ',"lease_ms":', millis::bigint, ',"max_attempts":', max_attempts, '}')), '}'));
END
$$;
COMMENT ON FUNCTION df.activity(text, text, interval, integer) IS
    'A step that a program of yours does (df.claim_activities), in any language, and completes in a transaction of its own. The payload is a JSON template; the step fails with code activity_lost when it was claimed max_attempts times and each lease has ended.';

CREATE OR REPLACE FUNCTION df.approval(title text, assignees text[], payload text DEFAULT NULL, within interval DEFAULT NULL,
    otherwise text DEFAULT NULL, quorum integer DEFAULT 1, not_submitter boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config text := concat('{"title":', coalesce(to_json(title)::text, 'null'), ',"assignees":', coalesce(array_to_json(assignees)::text, 'null'),
        ',"payload":', coalesce(to_json(payload)::text, 'null'), ',"quorum":', coalesce(quorum::text, 'null'),
        ',"not_submitter":', coalesce(not_submitter::text, 'null'), '}');
    problem text := df._activity_problem('APPROVAL', config);
    node text;
BEGIN
    PERFORM df._require(0, 'title', title IS NOT NULL), df._require(1, 'assignees', assignees IS NOT NULL),
            df._require(5, 'quorum', quorum IS NOT NULL);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.approval: %', replace(problem, ' of APPROVAL', '') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example df.approval(''Pay {amount}?'', ''{accounting}'').';
    ELSIF otherwise IS NOT NULL AND within IS NULL THEN
        RAISE EXCEPTION 'df.approval: otherwise is what runs when the time is over: give within too' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_payload('df.approval', payload);
    node := concat('{"node_type":"APPROVAL","query":', to_json(config), '}');
    RETURN CASE WHEN within IS NULL THEN df._as_node(node) ELSE df.timeout(node, within, otherwise) END;
END
$$;
COMMENT ON FUNCTION df.approval(text, text[], text, interval, text, integer, boolean) IS
    'Waits for a decision (df.tasks, df.decide) by a member of one of the roles. The result is {decision, by, at, comment}. After the time within, otherwise runs, or the node fails with code timeout. quorum: how many have to decide the same.';

---------------------------------------------------------------------------------------------------------------------
-- A node begins to wait, and does not wait any more
---------------------------------------------------------------------------------------------------------------------

-- Whether a role may claim another one's activities of a kind.
CREATE OR REPLACE FUNCTION df._may_claim(p_role regrole, p_owner regrole, p_kind text) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN p_role = p_owner OR EXISTS (
        SELECT FROM df._activity_grants g
        WHERE g.kind = p_kind AND g.owner = p_owner
            AND (g.role = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role) AND pg_has_role(p_role::oid, g.role::oid, 'USAGE')));
END
$$;
COMMENT ON FUNCTION df._may_claim(regrole, regrole, text) IS
    'Whether a role may claim activities of a kind of another role. Called with the settings of its callers.';

-- Instances take turns: the next activity of one stands a turn behind its last one, and the first one beside the first that waits. Turns are
-- numbered by the microsecond. p_last: the last one of the instance; 0 when that is not known. The lock tells df._move_marks of activities that
-- nobody sees yet. An older snapshot does not know where the mark is by now; the clock does.
CREATE OR REPLACE FUNCTION df._next_turn(p_instance text, p_role regrole, p_kind text, p_priority integer, p_last bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_mark bigint;
    v_is_recent boolean := current_setting('transaction_isolation') = 'read committed';
BEGIN
    LOCK TABLE df._activity_marks IN ROW SHARE MODE;
    SELECT greatest(k.turn, k.next_turn) INTO v_mark FROM df._activity_marks k
    WHERE k.kind = p_kind AND k.role = p_role AND k.priority = p_priority;
    IF NOT FOUND THEN
        INSERT INTO df._activity_marks (kind, role, priority, turn) VALUES (p_kind, p_role, p_priority, 0) ON CONFLICT DO NOTHING;
        v_mark := 0;
    END IF;
    RETURN greatest(v_mark,
        coalesce((SELECT a.turn FROM df._activities a
                  WHERE a.kind = p_kind AND a.role = p_role AND a.priority = p_priority AND a.turn >= v_mark AND a.token IS NULL
                      AND a.assignees IS NULL AND v_is_recent
                  ORDER BY a.turn LIMIT 1), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
        1 + CASE WHEN p_last > 0 THEN p_last
                 ELSE (SELECT a.turn FROM df._activities a WHERE a.instance_id = p_instance ORDER BY a.turn DESC LIMIT 1) END);
END
$$;
COMMENT ON FUNCTION df._next_turn(text, regrole, text, integer, bigint) IS
    'Internal: in which turn the next activity of an instance stands. Called with the settings of its callers.';

-- [{"node", "execution_id", "reply", "kind", "payload", "lease_ms", "max_attempts", "assignees", "quorum", "not_submitter", "undo"}, …].
CREATE OR REPLACE FUNCTION df._begin_activities(p_subject text, p_list jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most CONSTANT integer := 1000000;
    v_new record;
    v_role regrole;
    v_priority integer;
    v_payload jsonb;
    v_problem text;
    v_assignees regrole[];
    v_turn bigint;
BEGIN
    SELECT i.submitted_by, coalesce((SELECT s.priority FROM df._starts s WHERE s.instance_id = i.id AND s.section = ''), 0)
    INTO v_role, v_priority FROM df.instances i WHERE i.id = left(p_subject, 8);
    FOR v_new IN
        SELECT * FROM jsonb_to_recordset(p_list) AS n(node text, execution_id text, reply text, kind text, payload text, lease_ms bigint,
            max_attempts integer, assignees text[], quorum integer, not_submitter boolean, undo boolean)
    LOOP
        -- It was answered, just before the instance was cancelled that goes on now.
        CONTINUE WHEN EXISTS (SELECT FROM df.signals s WHERE s.instance_id = left(p_subject, 8) AND s.name = v_new.reply AND s.consumed_at IS NULL);
        v_problem := NULL;
        v_assignees := NULL;
        IF octet_length(v_new.payload) > most THEN
            v_problem := format('the payload has %s bytes, and at most %s are allowed. Put large values into a table, and their key into the payload',
                octet_length(v_new.payload), most);
        ELSE
            BEGIN
                v_payload := v_new.payload::jsonb;
            EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                v_problem := format('the payload is no JSON that jsonb can hold: %s', left(sqlerrm, 300));
            END;
        END IF;
        IF v_new.assignees IS NOT NULL THEN
            v_assignees := ARRAY(SELECT CASE WHEN lower(a) = 'public' AND to_regrole(quote_ident(a)) IS NULL THEN 0::regrole ELSE to_regrole(quote_ident(a)) END
                                 FROM unnest(v_new.assignees) AS a);
            v_problem := coalesce(v_problem, (SELECT format('role "%s" does not exist, so that it cannot decide', a.name)
                FROM unnest(v_new.assignees, v_assignees) AS a(name, role) WHERE a.role IS NULL LIMIT 1));
        END IF;
        IF v_problem IS NOT NULL THEN
            INSERT INTO df.signals (instance_id, name, data)
            VALUES (left(p_subject, 8), v_new.reply, jsonb_build_object('failed', v_problem, 'final', true));
            CONTINUE;
        END IF;
        -- Nobody claims a task.
        v_turn := CASE WHEN v_assignees IS NULL THEN df._next_turn(left(p_subject, 8), v_role, v_new.kind, v_priority, 0) ELSE 0 END;
        INSERT INTO df._activities (instance_id, subject, node_id, execution_id, reply, role, kind, payload, bytes, lease, max_attempts,
            assignees, quorum, not_submitter, is_undo, priority, turn)
        VALUES (left(p_subject, 8), p_subject, v_new.node, v_new.execution_id, v_new.reply, v_role, v_new.kind, v_payload,
            coalesce(octet_length(v_new.payload), 0), make_interval(secs => v_new.lease_ms / 1000.0), v_new.max_attempts,
            v_assignees, v_new.quorum, v_new.not_submitter, coalesce(v_new.undo, false), v_priority, v_turn)
        ON CONFLICT DO NOTHING;
        -- The lock of NOTIFY is the whole server's: a session of a submitter leaves it to the owner, a moment later.
        IF v_assignees IS NULL AND session_user = current_user THEN
            PERFORM pg_notify(c.channel, '') FROM df._activity_channels c
            WHERE c.kind = v_new.kind AND df._may_claim(c.role, v_role, c.kind);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._begin_activities(text, jsonb) IS
    'Writes the rows of nodes that a program or a person is to decide. Called with the settings of its callers, by the checkpoint that says that the node waits.';

-- Items of a map that are nothing but an activity each. Their rows are all that says that they wait, and who decides one decides the item in its
-- own row, at COMMIT: no session, no checkpoint, no signal. p_turn: of the last one of the map, as far as it is known. Unless they are new, some
-- may be there already, or have ended: the row of the item is locked, so that none that has ended begins again. ok:<turn of the last one>,
-- locked, stale (the map has ended), or rejected: one of them is none that can be written down.
CREATE OR REPLACE FUNCTION df._assign_items(
    p_epoch bigint, p_map bigint, p_ordinals bigint[], p_versions integer[], p_stamps text[], p_payloads text[], p_node text, p_kind text,
    p_lease_ms bigint, p_max_attempts integer, p_undo boolean, p_failure text, p_turn bigint, p_are_new boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    most CONSTANT integer := 1000000;
    v_map record;
    v_role regrole;
    v_priority integer;
    v_turn bigint;
    v_answer text;
BEGIN
    BEGIN
        SELECT m.id, m.instance_id, m.activity, m.ended_at INTO v_map FROM df._maps m WHERE m.id = p_map FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            v_answer := 'locked';
        ELSIF v_map.ended_at IS NOT NULL THEN
            v_answer := 'stale';
        ELSIF EXISTS (SELECT FROM unnest(p_payloads) AS p WHERE octet_length(p) > most) THEN
            v_answer := 'rejected:54000:a payload is too large';
        ELSE
            IF v_map.activity IS NULL THEN
                UPDATE df._maps m SET activity = jsonb_build_object('kind', p_kind, 'failure', p_failure::jsonb) WHERE m.id = p_map;
            END IF;
            SELECT i.submitted_by, coalesce((SELECT s.priority FROM df._starts s WHERE s.instance_id = i.id AND s.section = ''), 0)
            INTO v_role, v_priority FROM df.instances i WHERE i.id = v_map.instance_id;
            v_turn := df._next_turn(v_map.instance_id, v_role, p_kind, v_priority, p_turn) - 1;
            IF p_are_new THEN
                INSERT INTO df._activities (instance_id, node_id, execution_id, map_id, ordinal, version, role, kind, payload, bytes, lease,
                    max_attempts, is_undo, priority, turn)
                SELECT v_map.instance_id, p_node, n.stamp, p_map, n.ordinal, n.version, v_role, p_kind, n.payload::jsonb, octet_length(n.payload),
                    make_interval(secs => p_lease_ms / 1000.0), p_max_attempts, p_undo, v_priority, v_turn + n.place
                FROM unnest(p_ordinals, p_versions, p_stamps, p_payloads) WITH ORDINALITY AS n(ordinal, version, stamp, payload, place);
            ELSE
                INSERT INTO df._activities (instance_id, node_id, execution_id, map_id, ordinal, version, role, kind, payload, bytes, lease,
                    max_attempts, is_undo, priority, turn)
                SELECT v_map.instance_id, p_node, n.stamp, p_map, n.ordinal, n.version, v_role, p_kind, n.payload::jsonb, octet_length(n.payload),
                    make_interval(secs => p_lease_ms / 1000.0), p_max_attempts, p_undo, v_priority, v_turn + n.place
                FROM unnest(p_ordinals, p_versions, p_stamps, p_payloads) WITH ORDINALITY AS n(ordinal, version, stamp, payload, place)
                JOIN (SELECT i.ordinal, i.version FROM df._map_items i
                      WHERE i.map_id = p_map AND i.ordinal = ANY (p_ordinals) AND i.status = 'pending'
                      FOR NO KEY UPDATE SKIP LOCKED) AS i ON i.ordinal = n.ordinal AND i.version = n.version
                ON CONFLICT DO NOTHING;
            END IF;
            PERFORM pg_notify(c.channel, '') FROM df._activity_channels c WHERE c.kind = p_kind AND df._may_claim(c.role, v_role, c.kind);
            v_answer := concat('ok:', v_turn + cardinality(p_ordinals));
        END IF;
    EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            v_answer := 'locked';
        WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
            v_answer := concat('rejected:', SQLSTATE, ':', SQLERRM);
    END;
    -- Last: a term that begins later meets the rows.
    PERFORM df._fence(p_epoch);
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION df._assign_items(bigint, bigint, bigint[], integer[], text[], text[], text, text, bigint, integer, boolean, text, bigint, boolean) IS
    'Internal: begins items of a map that are nothing but an activity each.';

-- An end that the claimer meets at COMMIT; false when he is there already. His own instance waits until that is known, another role's does not.
CREATE OR REPLACE FUNCTION df._stop_activity(p_id bigint, p_is_granted boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET lock_timeout = '5ms'
AS $$
BEGIN
    INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
    SELECT a.id, a.instance_id, a.subject, a.node_id, a.execution_id, a.reply, a.role, a.kind, a.assignees IS NOT NULL, a.token, 'stopped'
    FROM df._activities a WHERE a.id = p_id
    ON CONFLICT DO NOTHING;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    IF NOT p_is_granted THEN
        RAISE;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._stop_activity(bigint, boolean) IS 'Ends an activity whose row somebody holds.';

-- Who may claim can bring forward what COMMIT does (SET CONSTRAINTS), of thousands, and stay there: after a few the others are noted, under
-- the negative number, for programs that complete them later and for df._sweep_activities.
CREATE OR REPLACE FUNCTION df._stop_activities(p_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most CONSTANT integer := 3;
    v_left bigint[] := p_ids;
    v_one record;
    v_in_vain integer := 0;
BEGIN
    FOR v_one IN
        SELECT a.id, g.is_granted FROM df._activities a
        CROSS JOIN LATERAL (SELECT a.assignees IS NOT NULL OR EXISTS (
            SELECT FROM df._activity_grants x WHERE x.kind = a.kind AND x.owner = a.role) AS is_granted) AS g
        WHERE a.id = ANY (p_ids) ORDER BY g.is_granted, a.id
    LOOP
        v_in_vain := v_in_vain + CASE WHEN df._stop_activity(v_one.id, v_one.is_granted) THEN 0 ELSE 1 END;
        v_left := array_remove(v_left, v_one.id);
        EXIT WHEN v_in_vain >= most;
    END LOOP;
    INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
    SELECT -a.id, a.instance_id, a.subject, a.node_id, a.execution_id, a.reply, a.role, a.kind, a.assignees IS NOT NULL, a.token, 'stopped'
    FROM df._activities a WHERE a.id = ANY (v_left)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION df._stop_activities(bigint[]) IS 'Ends activities whose rows somebody holds. Called with the settings of its callers.';

-- [{"node", "execution_id"}, …]: activities of one subject that end with a decision (node *: whatever there are), and those of items of maps
-- that end with it. p_exact: one that has been completed must not be ended by something else; what the decision was made on is outdated.
CREATE OR REPLACE FUNCTION df._end_activities(p_subject text, p_ends jsonb, p_maps bigint[], p_exact boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids bigint[];
    v_gone bigint[];
BEGIN
    -- Those of items whose rows are taken already, so that nobody completes one any more.
    IF p_maps <> '{}' THEN
        DELETE FROM df._activities a
        WHERE a.id IN (SELECT x.id FROM df._activities x WHERE x.map_id = ANY (p_maps) FOR UPDATE SKIP LOCKED);
        INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
        SELECT a.id, a.instance_id, p_subject, a.node_id, a.execution_id, '', a.role, a.kind, false, a.token, 'stopped'
        FROM df._activities a WHERE a.map_id = ANY (p_maps)
        ON CONFLICT DO NOTHING;
    END IF;
    IF NOT EXISTS (SELECT FROM df._activities a WHERE a.instance_id = left(p_subject, 8))
        AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.instance_id = left(p_subject, 8)) THEN
        RETURN;
    END IF;
    v_ids := ARRAY(
        SELECT a.id FROM df._activities a
        WHERE a.instance_id = left(p_subject, 8) AND a.map_id IS NULL
            AND (a.subject = p_subject AND EXISTS (
                    SELECT FROM jsonb_to_recordset(p_ends) AS e(node text, execution_id text)
                    WHERE e.node = '*' OR a.node_id = e.node AND a.execution_id = e.execution_id)
                OR strpos(a.subject, '.') > 0 AND split_part(a.subject, '.', 2)::bigint = ANY (p_maps)));
    WITH had AS MATERIALIZED (SELECT a.id FROM df._activities a WHERE a.id = ANY (v_ids) FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM df._activities a USING had h WHERE a.id = h.id RETURNING a.id)
    SELECT array_agg(g.id) INTO v_gone FROM gone g;
    IF cardinality(v_ids) > coalesce(cardinality(v_gone), 0) THEN
        PERFORM df._stop_activities(ARRAY(SELECT unnest(v_ids) EXCEPT ALL SELECT unnest(v_gone)));
    END IF;
    -- Committed, and not brought to the node yet.
    IF p_exact AND EXISTS (
        SELECT FROM df._activity_ends e JOIN jsonb_to_recordset(p_ends) AS x(node text, execution_id text)
            ON x.node = '*' OR e.node_id = x.node AND e.execution_id = x.execution_id
        JOIN df.signals s ON s.instance_id = e.instance_id AND s.name = e.reply AND s.consumed_at IS NULL
        WHERE e.instance_id = left(p_subject, 8) AND e.subject = p_subject AND e.outcome IN ('completed', 'failed'))
    THEN
        RAISE EXCEPTION 'perdure: instance %: stale checkpoint, an activity that it ends is completed', left(p_subject, 8) USING ERRCODE = 'DF001';
    END IF;
END
$$;
COMMENT ON FUNCTION df._end_activities(text, jsonb, bigint[], boolean) IS
    'Ends activities and approvals whose nodes do not wait any more. Does not wait for the holder of one. Called with the settings of its callers.';

---------------------------------------------------------------------------------------------------------------------
-- Claims
---------------------------------------------------------------------------------------------------------------------

-- Roles that submitted take turns, then instances, by their turn. What is given out together has at most 32 MB, or is one.
--
-- Behind a mark there are rows that others have claimed since it moved, or hold, and each claim would pass all of them. So a session goes on
-- where it has come to, for a tenth of a second; then it looks from the mark on, and so does a call whenever it does not find enough, except
-- while it waits (p_again). Whatever the setting says, nothing is claimed that may not be.
CREATE OR REPLACE FUNCTION df._claim_activities(p_role regrole, p_kind text, p_most bigint, p_again boolean) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most_bytes CONSTANT bigint := 33554432;
    v_now CONSTANT bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    -- Role, priority, turn, since when, kind.
    v_last text[] := string_to_array(current_setting('df.claimed_to', true), ':');
    v_marks df._activity_marks[];
    v_mark df._activity_marks;
    v_owners regrole[];
    v_place integer;
    v_share bigint;
    v_from bigint;
    v_room bigint := most_bytes;
    v_got record;
    v_all bigint[] := '{}';
BEGIN
    IF (cardinality(v_last) = 5 AND v_last[5] = md5(p_kind) AND v_last[3] ~ '^[0-9]{1,18}$' AND v_last[4] ~ '^[0-9]{1,18}$') IS NOT TRUE
        OR v_now - v_last[4]::bigint NOT BETWEEN 0 AND 100000 THEN
        v_last := NULL;
    END IF;
    SELECT array_agg(k ORDER BY k.role, k.priority) INTO v_marks
    FROM df._activity_marks k
    WHERE k.kind = p_kind AND (k.role = p_role OR EXISTS (SELECT FROM df._activity_grants g WHERE g.kind = p_kind AND g.owner = k.role));
    IF v_marks IS NULL THEN
        RETURN '';
    ELSIF v_marks[1].role = p_role AND v_marks[cardinality(v_marks)].role = p_role THEN
        v_owners := ARRAY[p_role];
    ELSE
        SELECT array_agg(o.role ORDER BY random()) INTO v_owners
        FROM (SELECT DISTINCT k.role FROM unnest(v_marks) AS k
              WHERE EXISTS (SELECT FROM df._activities a
                            WHERE a.kind = p_kind AND a.role = k.role AND a.priority = k.priority AND a.turn >= k.turn AND a.token IS NULL
                                AND a.assignees IS NULL)) AS o
        WHERE df._may_claim(p_role, o.role, p_kind);
    END IF;
    FOR pass IN 1 .. CASE WHEN cardinality(v_owners) > 1 THEN 2 ELSE 1 END LOOP
        FOR v_place IN 1 .. coalesce(cardinality(v_owners), 0) LOOP
            v_share := p_most - cardinality(v_all);
            IF pass = 1 THEN
                v_share := ceil(v_share::numeric / (cardinality(v_owners) - v_place + 1));
            END IF;
            FOREACH v_mark IN ARRAY v_marks LOOP
                CONTINUE WHEN v_mark.role <> v_owners[v_place];
                v_from := NULL;
                IF v_last[1] = v_mark.role::oid::text AND v_last[2] = v_mark.priority::text AND v_last[3]::bigint >= v_mark.turn THEN
                    v_from := v_last[3];
                END IF;
                LOOP
                    EXIT WHEN v_share < 1 OR v_room <= 0;
                    WITH had AS MATERIALIZED (
                        SELECT a.id, a.bytes FROM df._activities a
                        WHERE a.kind = p_kind AND a.role = v_mark.role AND a.priority = v_mark.priority AND a.turn >= coalesce(v_from, v_mark.turn)
                            AND a.token IS NULL AND a.assignees IS NULL
                            AND (a.is_undo OR EXISTS (SELECT FROM df.instances i WHERE i.id = a.instance_id AND i.status IN ('pending', 'running') OFFSET 0))
                        ORDER BY a.kind, a.role, a.priority, a.turn, a.id LIMIT v_share FOR NO KEY UPDATE OF a SKIP LOCKED),
                    sized AS (SELECT h.id, h.bytes, sum(h.bytes) OVER (ROWS UNBOUNDED PRECEDING) AS upto FROM had h),
                    taken AS (
                        UPDATE df._activities a SET token = concat_ws('.', a.id, a.map_id, a.ordinal, replace(gen_random_uuid()::text, '-', '')),
                            claimed_by = p_role, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + a.lease, attempt = a.attempt + 1
                        FROM sized s WHERE a.id = s.id AND (s.upto <= v_room OR v_room = most_bytes AND s.upto = s.bytes)
                        RETURNING a.bytes, a.turn, a.id)
                    SELECT array_agg(t.id ORDER BY t.turn, t.id) AS ids, coalesce(sum(t.bytes), 0) AS bytes, max(t.turn) AS turn
                    INTO v_got FROM taken t;
                    v_all := v_all || coalesce(v_got.ids, '{}');
                    v_share := v_share - coalesce(cardinality(v_got.ids), 0);
                    v_room := v_room - v_got.bytes;
                    IF v_from IS NULL THEN
                        -- To the last one that it has got, or, when there was none, to the last one that somebody else holds.
                        v_last := ARRAY[v_mark.role::oid::text, v_mark.priority::text, coalesce(v_got.turn, (
                                SELECT a.turn FROM df._activities a
                                WHERE a.kind = p_kind AND a.role = v_mark.role AND a.priority = v_mark.priority AND a.turn >= v_mark.turn
                                    AND a.token IS NULL AND a.assignees IS NULL
                                ORDER BY a.kind DESC, a.role DESC, a.priority DESC, a.turn DESC, a.id DESC LIMIT 1), v_mark.turn)::text,
                            v_now::text, md5(p_kind)];
                        PERFORM set_config('df.claimed_to', array_to_string(v_last, ':'), false);
                        EXIT;
                    END IF;
                    EXIT WHEN p_again;
                    v_from := NULL;
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN array_to_string(v_all, ',');
END
$$;
COMMENT ON FUNCTION df._claim_activities(regrole, text, bigint, boolean) IS
    'Claims activities for a role; returns their ids. p_again: for a call that has found nothing and waits. Called with the settings of its caller.';

-- Locks nothing of anybody but the claimer: a token that is not right finds no row.
CREATE OR REPLACE FUNCTION df._claimed(p_role regrole, p_token text, OUT activity df._activities, OUT problem text)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id bigint;
    v_status text;
    v_has_ended boolean;
    v_outcome text;
BEGIN
    problem := 'it is no token of df.claim_activities';
    IF p_token ~ '^[0-9]{1,18}([.][0-9]{1,18}[.][0-9]{1,18})?[.][0-9a-f]{32}$' THEN
        v_id := split_part(p_token, '.', 1);
        problem := 'its lease has ended, its node has ended, or it never was one of yours';
        SELECT a.* INTO activity FROM df._activities a WHERE a.id = v_id AND coalesce(a.token, '') = p_token AND a.claimed_by = p_role FOR NO KEY UPDATE;
        IF FOUND THEN
            SELECT i.status, EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (v_id, -v_id)) INTO v_status, v_has_ended
            FROM df.instances i WHERE i.id = activity.instance_id;
            IF activity.answer IS NULL AND v_status IN ('pending', 'running') AND NOT v_has_ended
                AND (activity.role = p_role OR df._may_claim(p_role, activity.role, activity.kind)) THEN
                problem := NULL;
                RETURN;
            END IF;
            problem := CASE
                WHEN activity.answer IS NOT NULL THEN 'it was used in this transaction already'
                WHEN NOT df._may_claim(p_role, activity.role, activity.kind) THEN format('role "%s" may not claim activities of kind "%s" any more',
                    (SELECT r.rolname FROM pg_roles r WHERE r.oid = p_role), activity.kind)
                WHEN NOT activity.is_undo AND (v_status IS NULL OR v_status NOT IN ('pending', 'running')) THEN 'the workflow was cancelled, or has ended'
                WHEN v_has_ended THEN 'its node has ended: it timed out, lost a race, or was cancelled' END;
        ELSE
            IF split_part(p_token, '.', 3) = '' THEN
                SELECT e.outcome INTO v_outcome FROM df._activity_ends e WHERE e.activity_id = v_id AND e.token = p_token;
            ELSE
                SELECT CASE WHEN i.code = 'activity_lost' THEN 'lost' ELSE i.status END INTO v_outcome FROM df._map_items i
                WHERE i.map_id = split_part(p_token, '.', 2)::bigint AND i.ordinal = split_part(p_token, '.', 3)::bigint
                    AND i.claim = split_part(p_token, '.', 4)::uuid;
            END IF;
            problem := CASE v_outcome WHEN 'completed' THEN 'the activity is completed already, with this token'
                WHEN 'failed' THEN 'the activity has failed already, with this token'
                WHEN 'lost' THEN 'its lease has ended, and there is no further attempt' ELSE problem END;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION df._claimed(regrole, text) IS
    'The activity that a role has claimed with a token, locked; or why the token is not the current one. Called with the settings of its caller.';

-- All items that a transaction has decided, with the first of them. Who ends their map has taken their rows, or waits for this moment.
CREATE OR REPLACE FUNCTION df._settle_items(p_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_late text;
BEGIN
    WITH gone AS (
        DELETE FROM df._activities a WHERE a.id = ANY (p_ids) AND a.answer IS NOT NULL AND coalesce(a.map_id, 0) <> 0
        RETURNING a.map_id, a.ordinal, a.version, a.token, a.answer, a.created_at, a.role, a.kind),
    done AS (
        UPDATE df._map_items i SET version = g.version + 1, status = CASE WHEN g.answer ? 'failed' THEN 'failed' ELSE 'completed' END,
            result = g.answer -> 'completed', error = g.answer ->> 'failed', code = g.answer ->> 'code',
            failure = CASE WHEN g.answer ? 'failed' THEN (SELECT m.activity -> 'failure' FROM df._maps m WHERE m.id = g.map_id) END,
            claim = right(g.token, 32)::uuid, started_at = g.created_at, completed_at = clock_timestamp()
        FROM gone g
        WHERE i.map_id = g.map_id AND i.ordinal = g.ordinal AND i.version = g.version AND i.status = 'pending'
        RETURNING i.map_id, i.ordinal, i.status, g.role, g.kind),
    said AS (
        INSERT INTO df._item_ends (map_id, first, role, kind, completed, failed)
        SELECT d.map_id, min(d.ordinal), d.role, d.kind, coalesce(array_agg(d.ordinal) FILTER (WHERE d.status = 'completed'), '{}'),
            coalesce(array_agg(d.ordinal) FILTER (WHERE d.status = 'failed'), '{}')
        FROM done d GROUP BY d.map_id, d.role, d.kind)
    SELECT g.kind INTO v_late FROM gone g
    WHERE NOT EXISTS (SELECT FROM done d WHERE d.map_id = g.map_id AND d.ordinal = g.ordinal) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'perdure: activity "%" ended before this transaction did: it timed out, lost a race, or was cancelled', v_late
            USING ERRCODE = 'DF004', HINT = 'Nothing of this transaction has happened. Go on with the next one.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._settle_items(bigint[]) IS
    'Internal: ends items of maps, with the transaction that decides them. Called with the settings of its callers.';

-- At COMMIT of the deciding transaction: the end of the activity, and the signal that ends its node. Definer: see df._do_activity_call.
CREATE OR REPLACE FUNCTION df._settle_activity() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_outcome text := CASE WHEN new.answer ? 'failed' THEN 'failed' ELSE 'completed' END;
    v_first boolean := false;
BEGIN
    IF new.map_id IS NOT NULL THEN
        IF EXISTS (SELECT FROM df._activities a WHERE a.id = new.id) THEN
            -- Whatever the setting says: what has an answer is this transaction's.
            PERFORM df._settle_items(new.together || string_to_array(nullif(current_setting('df.answered', true), ''), ',')::bigint[]);
            PERFORM set_config('df.answered', '', true);
            PERFORM df._wake_worker();
        END IF;
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') = 'read committed' THEN
        INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
        VALUES (new.id, new.instance_id, new.subject, new.node_id, new.execution_id, new.reply, new.role, new.kind, new.assignees IS NOT NULL,
            new.token, v_outcome)
        ON CONFLICT DO NOTHING RETURNING true INTO v_first;
    ELSE
        -- With an older snapshot ON CONFLICT could not say what it met.
        BEGIN
            INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
            VALUES (new.id, new.instance_id, new.subject, new.node_id, new.execution_id, new.reply, new.role, new.kind,
                new.assignees IS NOT NULL, new.token, v_outcome)
            RETURNING true INTO v_first;
        EXCEPTION WHEN unique_violation THEN
            v_first := false;
        END;
    END IF;
    IF v_first IS NOT TRUE THEN
        RAISE EXCEPTION 'perdure: % ended before this transaction did: it timed out, lost a race, or was cancelled',
                CASE WHEN new.assignees IS NULL THEN format('activity "%s"', new.kind) ELSE format('task %s', new.id) END
            USING ERRCODE = 'DF004', HINT = 'Nothing of this transaction has happened. Go on with the next one.';
    END IF;
    INSERT INTO df.signals (instance_id, name, data) VALUES (new.instance_id, new.reply, new.answer);
    DELETE FROM df._activities a WHERE a.id = new.id;
    PERFORM df._wake_worker();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._settle_activity() IS 'Internal: ends an activity, with the transaction that decides it.';
DROP TRIGGER IF EXISTS activities_settle ON df._activities;
CREATE CONSTRAINT TRIGGER activities_settle AFTER UPDATE OF answer ON df._activities DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.answer IS NOT NULL AND (new.map_id IS NULL OR new.together IS NOT NULL)) EXECUTE FUNCTION df._settle_activity();

CREATE OR REPLACE FUNCTION df._extend_activity(p_role regrole, p_token text, p_lease interval, p_progress jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_is record := df._claimed(p_role, p_token);
BEGIN
    IF v_is.problem IS NOT NULL THEN
        RETURN 'false';
    END IF;
    UPDATE df._activities a SET lease_until = clock_timestamp() + coalesce(p_lease, a.lease), progress = coalesce(p_progress, a.progress)
    WHERE a.id = ((v_is.activity).id);
    RETURN 'true';
END
$$;
COMMENT ON FUNCTION df._extend_activity(regrole, text, interval, jsonb) IS 'Extends a lease; false when the token is not the current one. Called with the settings of its caller.';

CREATE OR REPLACE FUNCTION df._answer_activity(p_role regrole, p_token text, p_answer jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_is record;
    v_id bigint;
    v_map bigint;
BEGIN
    -- Mostly all is as it should be.
    IF p_token ~ '^[0-9]{1,18}[.]' THEN
        UPDATE df._activities a SET answer = p_answer, together = CASE WHEN a.map_id IS NOT NULL THEN ARRAY[a.id] END
        -- No plan from the time of small tables may begin with anything but the key: no joins, and nothing that implies another index.
        WHERE a.id = split_part(p_token, '.', 1)::bigint AND coalesce(a.token, '') = p_token AND a.claimed_by = p_role AND a.answer IS NULL
            AND (SELECT i.status FROM df.instances i WHERE i.id = a.instance_id) IN ('pending', 'running')
            AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (a.id, -a.id))
            AND (a.role = p_role OR df._may_claim(p_role, a.role, a.kind))
        RETURNING a.id, a.map_id INTO v_id, v_map;
    END IF;
    IF v_id IS NULL THEN
        v_is := df._claimed(p_role, p_token);
        IF (v_is.activity).answer IS NOT NULL THEN
            RETURN 'false';
        ELSIF v_is.problem IS NOT NULL THEN
            RAISE EXCEPTION 'perdure: the token of this activity is not current: %', v_is.problem USING ERRCODE = 'DF004',
                HINT = 'What this transaction has written goes with it. Go on with the next activity.';
        END IF;
        -- Somebody had its row, or its instance has just been cancelled, and goes on.
        v_id := (v_is.activity).id;
        v_map := (v_is.activity).map_id;
        UPDATE df._activities a SET answer = p_answer, together = CASE WHEN a.map_id IS NOT NULL THEN ARRAY[a.id] END WHERE a.id = v_id;
    END IF;
    IF v_map IS NOT NULL THEN
        PERFORM set_config('df.answered', concat_ws(',', nullif(current_setting('df.answered', true), ''), v_id), true);
    END IF;
    RETURN 'true';
END
$$;
COMMENT ON FUNCTION df._answer_activity(regrole, text, jsonb) IS
    'Decides an activity, when the transaction commits; raises DF004 when the token is not the current one. Called with the settings of its caller.';

-- As df._news: <map>:<ordinals that are completed>:<ordinals that have failed>, of transactions that a place does not know.
CREATE OR REPLACE FUNCTION df._item_news(p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_at record;
    v_from xid8;
    v_xip xid8[];
    v_map bigint;
    v_first bigint;
    v_places text[];
BEGIN
    v_at := df._read_place(p_place);
    place := coalesce(v_at.upto::text, p_now);
    -- One bound: of two, one of them of a row, an index takes either, and may pass all that it has.
    v_from := greatest(pg_snapshot_xmax(v_at.since), v_at.after_xid);
    v_xip := ARRAY(SELECT x FROM pg_snapshot_xip(v_at.since) AS x
                   WHERE x >= v_at.after_xid AND pg_visible_in_snapshot(x, coalesce(v_at.upto, p_now::pg_snapshot)));
    v_map := nullif(split_part(v_at.after_id, '.', 1), '');
    v_first := nullif(split_part(v_at.after_id, '.', 2), '');
    SELECT array_agg(concat(p.map_id, ':', array_to_string(p.completed, ','), ':', array_to_string(p.failed, ',')) ORDER BY p.xid, p.map_id, p.first),
           array_agg(concat_ws(';', p.xid, concat(p.map_id, '.', p.first)) ORDER BY p.xid, p.map_id, p.first)
    INTO ids, v_places
    FROM (
        SELECT a.* FROM (
            (SELECT x.* FROM df._item_ends x
             WHERE x.xid = ANY (v_xip) AND (x.xid > v_at.after_xid OR (x.map_id, x.first) > (v_map, v_first))
                AND (v_at.upto IS NULL OR pg_visible_in_snapshot(x.xid, v_at.upto))
             ORDER BY x.xid, x.map_id, x.first LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.* FROM df._item_ends x
             WHERE x.xid >= v_from AND x.xid < pg_snapshot_xmax(coalesce(v_at.upto, p_now::pg_snapshot)) AND (x.xid > v_at.after_xid OR (x.map_id, x.first) > (v_map, v_first))
                AND (v_at.upto IS NULL OR pg_visible_in_snapshot(x.xid, v_at.upto))
             ORDER BY x.xid, x.map_id, x.first LIMIT p_limit + 1)) AS a
        ORDER BY a.xid, a.map_id, a.first LIMIT p_limit + 1) AS p;
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        place := concat_ws(';', coalesce(v_at.upto::text, p_now), v_at.since, v_places[p_limit]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._item_news(text, text, integer) IS
    'Internal: items of maps that programs have ended since, and the place behind that. Called with the settings of its callers.';

-- Many at once. What is not as it should be is found one by one, with what is wrong; the others are decided in one statement. Of items that are
-- nothing but an activity one row of them stands for all at COMMIT.
CREATE OR REPLACE FUNCTION df._complete_activities(p_role regrole, p_tokens text[], p_results jsonb[]) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids bigint[];
    v_items bigint[];
    v_done integer;
BEGIN
    -- Of a token the beginning is the key, and all of it is compared below.
    IF NOT EXISTS (SELECT FROM unnest(p_tokens) AS t
                   WHERE (strpos(t, '.') BETWEEN 2 AND 19 AND translate(split_part(t, '.', 1), '0123456789', '') = '') IS NOT TRUE) THEN
        v_ids := ARRAY(SELECT split_part(t, '.', 1)::bigint FROM unnest(p_tokens) AS t);
        WITH held AS MATERIALIZED (
            SELECT a.id, a.role, a.kind, a.map_id, a.instance_id FROM df._activities a
            WHERE a.id = ANY (v_ids) AND coalesce(a.token, '') = ANY (p_tokens) AND a.claimed_by = p_role AND a.answer IS NULL
            ORDER BY a.id FOR NO KEY UPDATE)
        SELECT array_agg(h.id) FILTER (WHERE h.map_id IS NOT NULL),
               count(*) FILTER (WHERE (h.role = p_role OR df._may_claim(p_role, h.role, h.kind)) AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (h.id, -h.id))
                   AND EXISTS (SELECT FROM df.instances i WHERE i.id = h.instance_id AND i.status IN ('pending', 'running') OFFSET 0))
        INTO v_items, v_done FROM held h;
    END IF;
    IF v_done = cardinality(p_tokens) THEN
        UPDATE df._activities a SET answer = jsonb_build_object('completed', coalesce(g.result, '{}')),
            together = CASE WHEN a.id = v_items[1] THEN v_items END
        FROM unnest(v_ids, p_results) AS g(id, result) WHERE a.id = g.id;
    ELSE
        v_done := 0;
        FOR i IN 1 .. cardinality(p_tokens) LOOP
            v_done := v_done + df._answer_activity(p_role, p_tokens[i], jsonb_build_object('completed', coalesce(p_results[i], '{}')))::boolean::integer;
        END LOOP;
    END IF;
    RETURN v_done;
END
$$;
COMMENT ON FUNCTION df._complete_activities(regrole, text[], jsonb[]) IS
    'Completes activities, when the transaction commits; raises DF004 when a token is not the current one. Called with the settings of its caller.';

---------------------------------------------------------------------------------------------------------------------
-- Decisions of people
---------------------------------------------------------------------------------------------------------------------

-- Dropped roles are members of nothing.
CREATE OR REPLACE FUNCTION df._is_assignee(p_role oid, p_assignees regrole[]) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM unnest(p_assignees) AS a(role)
        WHERE a.role = 0 OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.role) AND pg_catalog.pg_has_role(p_role, a.role::oid, 'MEMBER'));
END
$$;
COMMENT ON FUNCTION df._is_assignee(oid, regrole[]) IS 'Internal: whether a role is, or is a member of, one of the others.';

CREATE OR REPLACE FUNCTION df._decide(p_role regrole, p_task bigint, p_decision text, p_comment text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_task df._activities;
    v_votes jsonb;
    v_name text := (SELECT r.rolname FROM pg_roles r WHERE r.oid = p_role);
    v_own jsonb := jsonb_build_object('decision', p_decision, 'by', v_name, 'at', clock_timestamp(), 'comment', p_comment);
BEGIN
    SELECT a.* INTO v_task FROM df._activities a
    WHERE a.id = p_task AND a.assignees IS NOT NULL AND df._is_assignee(p_role, a.assignees);
    IF NOT FOUND OR EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (p_task, -p_task))
        OR NOT v_task.is_undo AND NOT EXISTS (
            SELECT FROM df.instances i WHERE i.id = v_task.instance_id AND i.status IN ('pending', 'running')) THEN
        RAISE EXCEPTION 'Task % is decided or over, or it is none of yours', p_task USING ERRCODE = 'DF004',
            HINT = 'SELECT * FROM df.tasks lists what you can decide.';
    ELSIF v_task.not_submitter AND (v_task.role = p_role OR v_task.role = to_regrole(quote_ident(session_user))) THEN
        RAISE EXCEPTION 'Task % must not be decided by role "%", which has started the workflow', p_task,
                (SELECT r.rolname FROM pg_roles r WHERE r.oid = v_task.role) USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM df._activities a WHERE a.id = p_task FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Task % is being decided in another transaction', p_task USING ERRCODE = 'lock_not_available',
            HINT = 'Try again when that has ended: the first decision wins.';
    END IF;
    SELECT a.* INTO v_task FROM df._activities a WHERE a.id = p_task;
    IF v_task.answer IS NOT NULL THEN
        RAISE EXCEPTION 'Task % is decided already, in this transaction', p_task USING ERRCODE = 'DF004';
    END IF;
    IF v_task.quorum > 1 THEN
        INSERT INTO df._activity_votes (activity_id, role, decision, comment) VALUES (p_task, p_role, p_decision, p_comment)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Role "%" has decided task % already: it needs % of different roles', v_name, p_task, v_task.quorum
                USING ERRCODE = 'DF004';
        END IF;
        SELECT jsonb_agg(jsonb_build_object('decision', v.decision, 'by', (SELECT r.rolname FROM pg_roles r WHERE r.oid = v.role), 'at', v.decided_at,
            'comment', v.comment) ORDER BY v.decided_at) INTO v_votes FROM df._activity_votes v WHERE v.activity_id = p_task;
        IF (SELECT count(*) FROM df._activity_votes v WHERE v.activity_id = p_task AND v.decision = p_decision) < v_task.quorum THEN
            RETURN format('%s of %s', (SELECT count(*) FROM df._activity_votes v WHERE v.activity_id = p_task AND v.decision = p_decision), v_task.quorum);
        END IF;
        v_own := v_own || jsonb_build_object('votes', v_votes);
    END IF;
    UPDATE df._activities a SET answer = jsonb_build_object('completed', v_own) WHERE a.id = p_task;
    RETURN 'decided';
END
$$;
COMMENT ON FUNCTION df._decide(regrole, bigint, text, text) IS 'Decides a task, when the transaction commits. Called with the settings of its caller.';

---------------------------------------------------------------------------------------------------------------------
-- What people call
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._activity_channel(p_role regrole, p_kind text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most CONSTANT integer := 100;
BEGIN
    IF NOT EXISTS (SELECT FROM df._activity_channels c WHERE c.role = p_role AND c.kind = p_kind) THEN
        IF (SELECT count(*) FROM df._activity_channels c WHERE c.role = p_role) >= most THEN
            RAISE EXCEPTION 'Role "%" listens for % kinds of activities already', p_role, most USING ERRCODE = 'program_limit_exceeded',
                HINT = 'df.claim_activities with a wait needs no channel.';
        END IF;
        INSERT INTO df._activity_channels (role, kind) VALUES (p_role, p_kind) ON CONFLICT DO NOTHING;
    END IF;
    RETURN (SELECT c.channel FROM df._activity_channels c WHERE c.role = p_role AND c.kind = p_kind);
END
$$;
COMMENT ON FUNCTION df._activity_channel(regrole, text) IS 'The channel of a role and a kind. Called with the settings of its caller.';

-- Definer: no other role has a right on the tables of activities. Whose call it is says a column that the caller cannot write. Evaluates
-- no text.
CREATE OR REPLACE FUNCTION df._do_activity_call() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
-- Plans are kept for as long as a session lives, and may have been made while the tables were small.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    most CONSTANT integer := 1000000;
    v_answer text;
BEGIN
    IF new.action = 'complete_all' THEN
        SELECT r INTO new.document FROM unnest(new.documents) AS r WHERE octet_length(r::text) > most LIMIT 1;
    END IF;
    IF octet_length(new.document::text) > most THEN
        RAISE EXCEPTION 'the result has % bytes, and at most % are allowed', octet_length(new.document::text), most
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Put large values into a table, and their key into the result.';
    END IF;
    CASE new.action
    WHEN 'claim' THEN
        v_answer := df._claim_activities(new.role, new.kind, least(greatest(new.number, 1), 1000), new.words[1] IS NOT DISTINCT FROM 'again');
    WHEN 'extend' THEN
        v_answer := df._extend_activity(new.role, new.token,
            least(greatest(new.lease, interval '1 second'), interval '30 days'), new.document);
    WHEN 'complete' THEN
        v_answer := df._answer_activity(new.role, new.token, jsonb_build_object('completed', coalesce(new.document, '{}')));
    WHEN 'complete_all' THEN
        v_answer := df._complete_activities(new.role, new.words, new.documents);
    WHEN 'fail' THEN
        v_answer := df._answer_activity(new.role, new.token, jsonb_strip_nulls(jsonb_build_object('failed', left(coalesce(new.words[1], ''), 100000),
            'code', left(new.words[2], 100), 'final', new.words[3] IS NOT DISTINCT FROM 'final')));
    WHEN 'grant' THEN
        INSERT INTO df._activity_grants (owner, kind, role) VALUES (new.role, new.kind, new.number::oid::regrole) ON CONFLICT DO NOTHING;
    WHEN 'revoke' THEN
        DELETE FROM df._activity_grants g WHERE g.owner = new.role AND g.kind = new.kind AND g.role = new.number::oid::regrole;
    WHEN 'channel' THEN
        v_answer := df._activity_channel(new.role, new.kind);
    WHEN 'decide' THEN
        v_answer := df._decide(new.role, new.number, left(new.words[1], 255), left(new.words[2], 100000));
    END CASE;
    PERFORM set_config('df.activity_answer', coalesce(v_answer, ''), true);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._do_activity_call() IS 'Internal: carries out the requests of df.claim_activities and the like.';
CREATE OR REPLACE TRIGGER activity_calls_do BEFORE INSERT ON df._activity_calls FOR EACH ROW EXECUTE FUNCTION df._do_activity_call();

CREATE OR REPLACE FUNCTION df._check_kind(function_name text, kind text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    problem text := df._activity_kind_problem('kind', kind);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%: %', function_name, problem USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_kind(text, text) IS 'Internal: raises when this cannot be the kind of an activity.';

-- A view with the rights of its owner, since nobody else may read the table.
CREATE OR REPLACE VIEW df._claimed_activities WITH (security_barrier) AS
SELECT a.id, a.token, a.kind, a.payload, a.attempt, a.lease_until, a.progress
FROM df._activities a WHERE a.claimed_by = (SELECT quote_ident(current_user)::regrole);
COMMENT ON VIEW df._claimed_activities IS 'Internal: activities that the current role has claimed, with their tokens.';

-- The name of the first argument is not kind: that is a column of the result.
CREATE OR REPLACE FUNCTION df.claim_activities(of_kind text, most integer DEFAULT 1, wait interval DEFAULT '0 seconds')
RETURNS TABLE (token text, kind text, payload jsonb, attempt integer, lease_until timestamptz, progress jsonb)
LANGUAGE plpgsql VOLATILE ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
-- What was claimed is read by its key, however small the table once was.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    most_wait CONSTANT interval := '60 seconds';
    began timestamptz := clock_timestamp();
    deadline timestamptz;
    claimed text;
    again text[];
    ids bigint[];
BEGIN
    -- Mostly it is plain.
    IF (of_kind ~ '^[-A-Za-z0-9_.:/]{1,255}$') IS NOT TRUE THEN
        PERFORM df._check_kind('df.claim_activities', of_kind);
    END IF;
    IF (most BETWEEN 1 AND 1000) IS NOT TRUE THEN
        RAISE EXCEPTION 'df.claim_activities: most must be between 1 and 1000, not %', coalesce(most::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Claim as many as one transaction completes, and claim again.';
    ELSIF (wait BETWEEN interval '0' AND most_wait) IS NOT TRUE THEN
        RAISE EXCEPTION 'df.claim_activities: wait must be between 0 and 60 seconds, not %', coalesce(wait::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A statement that waits for longer would hold vacuum back. Call it again.';
    ELSIF wait > interval '0' THEN
        PERFORM df._refuse_in_workflow('df.claim_activities', 'with a wait it would block a worker thread.');
        IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'df.claim_activities: a transaction whose isolation level is % cannot wait: it does not see what others commit',
                    current_setting('transaction_isolation')
                USING ERRCODE = 'data_exception', HINT = 'Claim in a transaction of its own, or without a wait.';
        END IF;
    END IF;
    deadline := began + wait;
    -- Each statement of a volatile function has a new snapshot in READ COMMITTED, so that this sees what others commit.
    LOOP
        INSERT INTO df._activity_calls (action, kind, number, words) VALUES ('claim', of_kind, claim_activities.most, again);
        claimed := current_setting('df.activity_answer');
        EXIT WHEN claimed <> '' OR clock_timestamp() >= deadline;
        again := '{again}';
        -- About a sixth of what it has waited so far, 3 ms at least and 200 ms at most: hundreds of programs may wait, not in step.
        PERFORM pg_sleep(least(extract(epoch FROM deadline - clock_timestamp()),
            (0.7 + 0.6 * random()) * greatest(0.003, least(0.2, extract(epoch FROM clock_timestamp() - began) / 6))));
    END LOOP;
    IF claimed = '' THEN
        RETURN;
    END IF;
    -- The view is a barrier: a condition that leaks nothing reaches its index, and a join does not.
    ids := string_to_array(claimed, ',')::bigint[];
    RETURN QUERY
    SELECT c.token, c.kind, c.payload, c.attempt, c.lease_until, c.progress
    FROM df._claimed_activities c JOIN unnest(ids) WITH ORDINALITY AS t(id, place) ON t.id = c.id
    WHERE c.id = ANY (ids)
    ORDER BY t.place;
END
$$;
COMMENT ON FUNCTION df.claim_activities(text, integer, interval) IS
    'Claims up to most activities of a kind, of your own workflows and of roles that let you (df.grant_activity), and waits up to 60 seconds for the first. A claim lasts until lease_until, or, in the same transaction, until that ends.';

CREATE OR REPLACE FUNCTION df.extend_activity(token text, lease interval DEFAULT NULL, progress jsonb DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
    most CONSTANT integer := 100000;
BEGIN
    IF lease < interval '1 second' OR lease > interval '30 days' THEN
        RAISE EXCEPTION 'df.extend_activity: lease must be between 1 second and 30 days, not %', lease USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(progress::text) > most THEN
        RAISE EXCEPTION 'df.extend_activity: the progress has % bytes, and at most % are allowed', octet_length(progress::text), most
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Put large values into a table, and their key into the progress.';
    END IF;
    INSERT INTO df._activity_calls (action, token, lease, document) VALUES ('extend', token, lease, progress);
    RETURN current_setting('df.activity_answer')::boolean;
END
$$;
COMMENT ON FUNCTION df.extend_activity(text, interval, jsonb) IS
    'Heartbeat: the claim lasts for another lease from now. False: it was cancelled, timed out or lost, so stop. The next claim gets the progress.';

-- Text is what most drivers send; a literal without a type means this one, too.
CREATE OR REPLACE FUNCTION df.extend_activity(token text, lease text, progress text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df.extend_activity(token, lease::interval, progress::jsonb);
END
$$;
COMMENT ON FUNCTION df.extend_activity(text, text, text) IS
    'Heartbeat, with lease and progress as texts: the claim lasts for another lease from now. False: it was cancelled, timed out or lost, so stop.';

CREATE OR REPLACE FUNCTION df._as_result(function_name text, result text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN result::jsonb;
EXCEPTION WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
    RAISE EXCEPTION '%: the result is no JSON that jsonb can hold: %', function_name, sqlerrm USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION df._as_result(text, text) IS 'Internal: a text as jsonb; raises an error when it is none.';

CREATE OR REPLACE FUNCTION df.complete_activity(token text, result jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO df._activity_calls (action, token, document) VALUES ('complete', token, result);
    IF current_setting('df.activity_answer')::boolean THEN
        RETURN true;
    END IF;
    RAISE NOTICE 'This activity is decided already, in this transaction: nothing is changed';
    RETURN false;
END
$$;
COMMENT ON FUNCTION df.complete_activity(text, jsonb) IS
    'Completes an activity with the transaction that calls it: its writes and the end of the step are one commit. Raises DF004 when the token is not the current one. False: this transaction has decided it already.';

CREATE OR REPLACE FUNCTION df.complete_activity(token text, result text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN df.complete_activity(token, df._as_result('df.complete_activity', result));
END
$$;
COMMENT ON FUNCTION df.complete_activity(text, text) IS
    'Completes an activity with the transaction that calls it, with a JSON text as result. Raises DF004 when the token is not the current one.';

CREATE OR REPLACE FUNCTION df.complete_activities(tokens text[], results jsonb[] DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    IF (cardinality(tokens) BETWEEN 0 AND 1000) IS NOT TRUE OR array_ndims(tokens) > 1 THEN
        RAISE EXCEPTION 'df.complete_activities: give a list of at most 1000 tokens, not %', coalesce(cardinality(tokens)::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF cardinality(results) <> cardinality(tokens) OR array_ndims(results) > 1 THEN
        RAISE EXCEPTION 'df.complete_activities: % results for % tokens', cardinality(results), cardinality(tokens)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give each token a result, or none of them.';
    ELSIF cardinality(tokens) = 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO df._activity_calls (action, words, documents) VALUES ('complete_all', tokens, results);
    RETURN current_setting('df.activity_answer');
END
$$;
COMMENT ON FUNCTION df.complete_activities(text[], jsonb[]) IS
    'Completes activities, up to 1000, with the transaction that calls it, with a result for each token, or {}. Raises DF004, and completes none, when one of the tokens is not the current one. Returns how many it has completed: all but those that this transaction had decided already.';

CREATE OR REPLACE FUNCTION df.fail_activity(token text, message text, code text DEFAULT NULL, retry boolean DEFAULT true) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    IF code !~ '^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,62}$' THEN
        RAISE EXCEPTION 'df.fail_activity: "%" is no code', left(code, 100) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A code is a word of letters, digits and _ : . - such as corrupt, which retry_on and df.catch know.';
    END IF;
    INSERT INTO df._activity_calls (action, token, words)
    VALUES ('fail', token, ARRAY[coalesce(message, ''), code, CASE WHEN retry IS FALSE THEN 'final' END]);
    IF current_setting('df.activity_answer')::boolean THEN
        RETURN true;
    END IF;
    RAISE NOTICE 'This activity is decided already, in this transaction: nothing is changed';
    RETURN false;
END
$$;
COMMENT ON FUNCTION df.fail_activity(text, text, text, boolean) IS
    'Fails an activity with the transaction that calls it. The code is one for retry_on and df.catch; retry => false: the df.retry around it does not try again. Raises DF004 when the token is not the current one.';

CREATE OR REPLACE FUNCTION df.grant_activity(kind text, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._check_kind('df.grant_activity', kind);
    INSERT INTO df._activity_calls (action, kind, number) VALUES ('grant', kind, df._grantee_oid(role)::bigint);
END
$$;
COMMENT ON FUNCTION df.grant_activity(text, text) IS
    'Lets a role (or PUBLIC), and its members, claim activities of a kind of your workflows. They see kind, payload, attempt and progress, not the instance.';

CREATE OR REPLACE FUNCTION df.revoke_activity(kind text, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._check_kind('df.revoke_activity', kind);
    INSERT INTO df._activity_calls (action, kind, number) VALUES ('revoke', kind, df._grantee_oid(role)::bigint);
END
$$;
COMMENT ON FUNCTION df.revoke_activity(text, text) IS
    'Revokes a grant of df.grant_activity. The role can no longer complete activities that it has claimed; they are claimed again when their leases have ended.';

CREATE OR REPLACE FUNCTION df.activity_channel(kind text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._check_kind('df.activity_channel', kind);
    INSERT INTO df._activity_calls (action, kind) VALUES ('channel', kind);
    RETURN current_setting('df.activity_answer');
END
$$;
COMMENT ON FUNCTION df.activity_channel(text) IS
    'The channel to LISTEN on: the worker notifies it when there are activities of a kind that you may claim. Only your role knows its name, which is random.';

CREATE OR REPLACE FUNCTION df.decide(task_id bigint, decision text, comment text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'task_id', task_id IS NOT NULL), df._require(1, 'decision', decision IS NOT NULL);
    IF decision ~ '^\s*$' OR octet_length(decision) > 255 OR decision ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'df.decide: a decision is a word such as approved or rejected, of at most 255 bytes' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(comment) > 100000 THEN
        RAISE EXCEPTION 'df.decide: the comment has % bytes, and at most 100000 are allowed', octet_length(comment) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO df._activity_calls (action, number, words) VALUES ('decide', task_id, ARRAY[decision, comment]);
    RETURN current_setting('df.activity_answer');
END
$$;
COMMENT ON FUNCTION df.decide(bigint, text, text) IS
    'Decides a task of df.tasks, with the transaction that calls it; the first decision wins. Returns decided, or the votes so far, such as 1 of 2.';

---------------------------------------------------------------------------------------------------------------------
-- Views
---------------------------------------------------------------------------------------------------------------------

-- Times are those of the statement: an index finds no clock_timestamp(), which is another one for each row.
-- With the rights of their owner, since nobody else may read the tables. Of another role's activities a claimer sees no instance.
CREATE OR REPLACE VIEW df.activities WITH (security_barrier) AS
SELECT a.id AS activity_id, CASE WHEN a.claimed_by IS NULL THEN 'waiting' ELSE 'claimed' END AS status, a.kind, a.attempt, a.claimed_by,
    a.claimed_at, a.lease_until, a.progress, a.payload, a.max_attempts, a.created_at,
    CASE WHEN v.is_own THEN a.instance_id::text END AS instance_id, CASE WHEN v.is_own THEN a.node_id END AS node_id,
    CASE WHEN v.is_own THEN a.execution_id END AS execution_id,
    CASE WHEN a.claimed_by IS NULL AND a.created_at < clock_timestamp() - interval '1 minute'
        AND NOT EXISTS (SELECT FROM df._activities x WHERE x.kind = a.kind AND x.role = a.role AND x.lease_until > statement_timestamp())
        AND NOT EXISTS (SELECT FROM df._activity_ends e
            WHERE e.kind = a.kind AND e.role = a.role AND NOT e.is_task AND e.token IS NOT NULL AND e.ended_at > statement_timestamp() - interval '1 minute')
        AND NOT EXISTS (SELECT FROM df._item_ends e
            WHERE e.kind = a.kind AND e.role = a.role AND e.ended_at > statement_timestamp() - interval '1 minute')
        THEN format('no program claims %L', a.kind) END AS problem
FROM df._activities a
CROSS JOIN LATERAL (SELECT a.role = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances')) AS is_own) AS v
WHERE a.assignees IS NULL AND (v.is_own OR EXISTS (
    SELECT FROM df._activity_grants g WHERE g.kind = a.kind AND g.owner = a.role
        AND (g.role = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role) AND pg_has_role(g.role, 'USAGE'))));
COMMENT ON VIEW df.activities IS 'Activities that are not decided yet: of your own workflows, and those that you may claim (df.grant_activity).';
COMMENT ON COLUMN df.activities.status IS 'waiting or claimed.';
COMMENT ON COLUMN df.activities.instance_id IS 'Of your own workflows; NULL for those of other roles. So are node_id and execution_id.';
COMMENT ON COLUMN df.activities.problem IS 'Says so when no program has claimed an activity of this kind for a minute; NULL otherwise.';

CREATE OR REPLACE VIEW df.activity_kinds WITH (security_barrier) AS
SELECT k.kind, coalesce(sum(k.waiting), 0)::bigint AS waiting, min(k.oldest) AS oldest, coalesce(sum(k.claimed), 0)::bigint AS claimed,
    coalesce(sum(k.completed), 0)::bigint AS completed, coalesce(sum(k.failed), 0)::bigint AS failed
FROM (
    SELECT a.kind, count(*) FILTER (WHERE a.claimed_by IS NULL) AS waiting, min(a.created_at) FILTER (WHERE a.claimed_by IS NULL) AS oldest,
        count(*) FILTER (WHERE a.claimed_by IS NOT NULL) AS claimed, 0 AS completed, 0 AS failed
    FROM df.activities a GROUP BY a.kind
    UNION ALL
    SELECT e.kind, 0, NULL, 0, sum(e.completed), sum(e.failed)
    FROM (SELECT x.kind, x.role, (x.outcome = 'completed')::integer AS completed, (x.outcome <> 'completed')::integer AS failed
          FROM df._activity_ends x
          WHERE NOT x.is_task AND x.outcome <> 'stopped' AND x.ended_at > statement_timestamp() - interval '1 minute'
          UNION ALL
          SELECT x.kind, x.role, cardinality(x.completed), cardinality(x.failed)
          FROM (SELECT DISTINCT m.kind, m.role FROM df._activity_marks m) AS m CROSS JOIN LATERAL (
              SELECT i.* FROM df._item_ends i
              WHERE i.kind = m.kind AND i.role = m.role AND i.ended_at > statement_timestamp() - interval '1 minute' OFFSET 0) AS x) AS e
    WHERE (e.role = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances')) OR EXISTS (
            SELECT FROM df._activity_grants g WHERE g.kind = e.kind AND g.owner = e.role
                AND (g.role = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role) AND pg_has_role(g.role, 'USAGE'))))
    GROUP BY e.kind) AS k
GROUP BY k.kind;
COMMENT ON VIEW df.activity_kinds IS 'Kinds of activities that you can see: how many wait, since when, and are claimed; how many completed and failed in the last minute.';

CREATE OR REPLACE VIEW df.tasks WITH (security_barrier) AS
SELECT a.id AS task_id, a.kind AS title, a.payload, ARRAY(SELECT CASE WHEN x = 0 THEN 'PUBLIC' ELSE coalesce(r.rolname::text, x::text) END
        FROM unnest(a.assignees) AS x LEFT JOIN pg_roles r ON r.oid = x) AS assignees,
    a.quorum, a.not_submitter, (SELECT count(*) FROM df._activity_votes v WHERE v.activity_id = a.id) AS decisions, a.created_at
FROM df._activities a
WHERE a.assignees IS NOT NULL AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (a.id, -a.id))
    AND (df._is_assignee((SELECT quote_ident(current_user)::regrole::oid), a.assignees) OR NOT (SELECT row_security_active('df.instances')));
COMMENT ON VIEW df.tasks IS 'Approvals that you can decide with df.decide, as a member of their roles. They do not show the owner of the workflow.';

-- Who has decided what so far, for those who have asked.
CREATE OR REPLACE VIEW df._open_approvals WITH (security_barrier) AS
SELECT a.instance_id::text AS instance_id, a.node_id, a.execution_id, a.quorum,
    (SELECT string_agg(format('%s x %s', v.number, v.decision), ' and ' ORDER BY v.number DESC, v.decision)
     FROM (SELECT df._cut(x.decision, 60) AS decision, count(*) AS number FROM df._activity_votes x WHERE x.activity_id = a.id GROUP BY x.decision) AS v) AS votes
FROM df._activities a
WHERE a.assignees IS NOT NULL AND (a.role = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances')));
COMMENT ON VIEW df._open_approvals IS 'Internal: approvals of your own workflows that are not decided, and their votes.';

CREATE OR REPLACE FUNCTION df._approval_note(instance_id text, node_id text, execution_id text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT CASE WHEN a.votes IS NULL THEN 'nobody has decided yet'
                ELSE format('decided: %s, and it needs %s alike', a.votes, a.quorum) END
            FROM df._open_approvals a
            WHERE a.instance_id = _approval_note.instance_id AND a.node_id = _approval_note.node_id AND a.execution_id = _approval_note.execution_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._approval_note(text, text, text) IS 'Internal: the note of df.explain at an approval.';

CREATE OR REPLACE FUNCTION df._activity_note(instance_id text, node_id text, execution_id text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    RETURN (SELECT concat_ws(', ', CASE WHEN a.claimed_by IS NULL THEN 'waits for a program' ELSE format('claimed by %s until %s', a.claimed_by, df._moment(a.lease_until)) END,
                CASE WHEN a.attempt > 1 THEN format('claim %s', a.attempt) END, a.problem)
            FROM df.activities a
            WHERE a.instance_id = _activity_note.instance_id AND a.node_id = _activity_note.node_id AND a.execution_id = _activity_note.execution_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._activity_note(text, text, text) IS 'Internal: the note of df.explain at an activity.';

---------------------------------------------------------------------------------------------------------------------
-- What the leader does now and then
---------------------------------------------------------------------------------------------------------------------

-- Marks move on to the first activity that waits. One that begins now may stand before it, and nobody sees that one until it is committed. So the
-- place is told first, next_turn, and nobody who knows it stands before it (df._next_turn). Those that had begun one when it was known are noted
-- then, and the mark moves when they have ended, never past what waits by then. A clock that was set back begins anew: then all is looked at once
-- more.
CREATE OR REPLACE FUNCTION df._move_marks() RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_running text[];
    v_now bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    v_lately CONSTANT timestamptz := clock_timestamp() - interval '3 minutes';
    v_mark df._activity_marks;
    v_found df._activity_marks[] := '{}';
    v_next bigint;
BEGIN
    -- Before anything is looked for: what they have begun is seen when they have ended by now.
    v_running := df._activity_beginners();
    FOR v_mark IN SELECT * FROM df._activity_marks LOOP
        v_next := (SELECT a.turn FROM df._activities a
                   WHERE a.kind = v_mark.kind AND a.role = v_mark.role AND a.priority = v_mark.priority AND a.turn >= v_mark.turn
                       AND a.token IS NULL AND a.assignees IS NULL
                   ORDER BY a.turn LIMIT 1);
        -- Behind the last one, as long as there was one lately.
        IF v_next IS NULL AND (
            EXISTS (SELECT FROM df._item_ends e
                    WHERE e.kind = v_mark.kind AND e.role = v_mark.role AND e.ended_at > v_lately)
            OR EXISTS (SELECT FROM df._activity_ends e
                       WHERE e.kind = v_mark.kind AND e.role = v_mark.role AND NOT e.is_task
                           AND e.ended_at > v_lately)) THEN
            v_next := v_now;
        END IF;
        v_next := least(v_next, v_now);
        IF v_mark.turn > v_now + 60000000 THEN
            v_mark.turn := 0;
            v_mark.next_turn := NULL;
            v_mark.beginners := NULL;
        ELSIF v_next > v_mark.turn THEN
            v_mark.beginners := coalesce(v_mark.beginners, v_running);
            IF v_mark.next_turn IS NULL OR NOT v_mark.beginners && v_running THEN
                v_mark.turn := greatest(v_mark.turn, least(coalesce(v_mark.next_turn, v_mark.turn), v_next));
                v_mark.next_turn := v_next;
                v_mark.beginners := NULL;
            END IF;
        ELSE
            CONTINUE;
        END IF;
        v_found := v_found || v_mark;
    END LOOP;
    UPDATE df._activity_marks k SET turn = f.turn, next_turn = f.next_turn, beginners = f.beginners
    FROM unnest(v_found) AS f WHERE k.kind = f.kind AND k.role = f.role AND k.priority = f.priority;
    RETURN cardinality(v_found) > 0;
END
$$;
COMMENT ON FUNCTION df._move_marks() IS 'Internal: moves the places from which activities are claimed; false when they are where they belong. Called with the settings of its caller.';

CREATE OR REPLACE FUNCTION df._activity_beginners() RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ARRAY(SELECT l.virtualtransaction FROM pg_locks l
                 WHERE l.locktype = 'relation' AND l.relation = 'df._activity_marks'::regclass AND l.mode = 'RowShareLock'
                     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
END
$$;
COMMENT ON FUNCTION df._activity_beginners() IS
    'Internal: transactions that have begun activities and are not committed. Called with the settings of its caller.';

CREATE OR REPLACE FUNCTION df._earliest_lease(p_from timestamptz, p_to timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT x.lease_until FROM df._activities x
            WHERE x.token IS NOT NULL AND x.lease_until >= p_from AND x.lease_until < p_to ORDER BY x.lease_until LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._earliest_lease(timestamptz, timestamptz) IS
    'Internal: the end of the first lease that ends from one time on and before another one. Called with the settings of its caller.';

-- Leases that have ended, ends that are old, and channels of those for whom something waits. What a claimer has locked is left for the next
-- time. more: there may be more to do at once; present: there are activities; moved: marks have moved.
--
-- Entries of an index whose rows were deleted or changed long ago are passed with each look until vacuum has been there, which a snapshot that
-- somebody keeps puts off. So nothing here looks at all of an index, but for the first whole look of a session. After that it looks once a
-- second at leases that have ended since its last look, or in the last 20 seconds when a claimer had one of them locked, and with each whole
-- look (p_whole) at ends that have become old since. What was locked for longer, or committed later, is found again: each whole look goes
-- through a sixtieth of the time since the first one.
CREATE OR REPLACE FUNCTION df._sweep_activities(p_epoch bigint, p_whole boolean, OUT more boolean, OUT present boolean, OUT moved boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    page CONSTANT integer := 500;
    old CONSTANT interval := '2 minutes';
    v_now CONSTANT timestamptz := clock_timestamp();
    -- What the session remembers, in seconds since 1970: when it looked last at leases, from where it looks next, and up to where old ends
    -- are deleted; the earliest time at which something may be that the first whole look left, and up to where it has looked again since.
    v_looked CONSTANT timestamptz := to_timestamp(nullif(current_setting('df.leases_looked', true), '')::double precision);
    v_next CONSTANT timestamptz := to_timestamp(nullif(current_setting('df.leases_next', true), '')::double precision);
    v_ends CONSTANT timestamptz := to_timestamp(nullif(current_setting('df.ends_next', true), '')::double precision);
    v_began CONSTANT timestamptz := to_timestamp(nullif(current_setting('df.sweep_began', true), '')::double precision);
    v_place CONSTANT timestamptz := to_timestamp(nullif(current_setting('df.sweep_place', true), '')::double precision);
    v_is_first CONSTANT boolean := p_whole AND (v_began <= v_now AND v_ends <= v_now) IS NOT TRUE;
    v_again CONSTANT boolean := p_whole AND NOT v_is_first;
    v_again_to CONSTANT timestamptz := least(v_now, v_place + greatest(interval '1 minute', (v_now - v_began) / 60));
    v_looks CONSTANT boolean := v_is_first OR (v_now - v_looked BETWEEN interval '0' AND interval '1 second') IS NOT TRUE;
    v_from timestamptz;
    v_to timestamptz;
    v_lost df._activities;
    v_why text;
    v_done integer := 0;
    v_rows integer;
BEGIN
    PERFORM df._fence(p_epoch);
    -- What a crash takes back is done again.
    PERFORM set_config('synchronous_commit', 'off', true);
    more := false;
    moved := false;
    present := NOT p_whole OR v_is_first
        OR EXISTS (SELECT FROM df._activity_marks k JOIN df._activities a
                       ON a.kind = k.kind AND a.role = k.role AND a.priority = k.priority AND a.turn >= k.turn
                   WHERE a.token IS NULL AND a.assignees IS NULL)
        OR EXISTS (SELECT FROM df._activity_ends e WHERE e.ended_at > v_now - old)
        OR EXISTS (SELECT FROM df._activity_marks k CROSS JOIN LATERAL (
                       SELECT FROM df._item_ends e WHERE e.kind = k.kind AND e.role = k.role AND e.ended_at > v_now - old LIMIT 1) AS e)
        OR EXISTS (SELECT FROM df._activities a WHERE a.token IS NOT NULL AND a.lease_until > v_now - interval '1 minute');
    FOR v_from, v_to IN
        SELECT r.since, r.upto
        FROM (VALUES (v_looks, CASE WHEN v_is_first THEN '-infinity' WHEN v_next <= v_now THEN v_next ELSE v_now - interval '20 seconds' END, v_now),
                     (v_again, v_place, v_again_to)) AS r(is_due, since, upto)
        WHERE r.is_due
    LOOP
        UPDATE df._activities a SET token = NULL, claimed_by = NULL, claimed_at = NULL, lease_until = NULL,
            turn = greatest(a.turn, (SELECT greatest(k.turn, k.next_turn) FROM df._activity_marks k
                                     WHERE k.kind = a.kind AND k.role = a.role AND k.priority = a.priority))
        WHERE a.id IN (
            SELECT x.id FROM df._activities x
            WHERE x.token IS NOT NULL AND x.lease_until >= v_from AND x.lease_until < v_to AND x.attempt < x.max_attempts
                AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (x.id, -x.id))
            ORDER BY x.lease_until LIMIT page FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_done := v_done + v_rows;
        -- A signal refers to the row of the instance, which its user may have locked.
        FOR v_lost IN
            SELECT x.* FROM df._activities x JOIN df.instances i ON i.id = x.instance_id
            WHERE x.token IS NOT NULL AND x.lease_until >= v_from AND x.lease_until < v_to AND x.attempt >= x.max_attempts
                AND NOT EXISTS (SELECT FROM df._activity_ends e WHERE e.activity_id IN (x.id, -x.id))
            ORDER BY x.lease_until LIMIT page FOR KEY SHARE OF i SKIP LOCKED FOR UPDATE OF x SKIP LOCKED
        LOOP
            v_done := v_done + 1;
            v_why := format('Activity "%s" was claimed %s times, and was lost each time: the lease of %s ended before the program had completed or extended it',
                v_lost.kind, v_lost.attempt, v_lost.lease);
            IF v_lost.map_id IS NOT NULL THEN
                UPDATE df._activities a SET answer = jsonb_build_object('failed', v_why, 'code', 'activity_lost'), together = ARRAY[a.id]
                WHERE a.id = v_lost.id;
                CONTINUE;
            END IF;
            INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task, token, outcome)
            VALUES (v_lost.id, v_lost.instance_id, v_lost.subject, v_lost.node_id, v_lost.execution_id, v_lost.reply, v_lost.role, v_lost.kind,
                false, v_lost.token, 'lost');
            INSERT INTO df.signals (instance_id, name, data)
            VALUES (v_lost.instance_id, v_lost.reply, jsonb_build_object('failed', v_why, 'code', 'activity_lost'));
            DELETE FROM df._activities a WHERE a.id = v_lost.id;
        END LOOP;
    END LOOP;
    more := v_done >= page;
    IF v_looks AND NOT more THEN
        PERFORM set_config('df.leases_looked', extract(epoch FROM v_now)::text, false),
            set_config('df.leases_next', extract(epoch FROM coalesce(
                df._earliest_lease(greatest(v_next, v_now - interval '20 seconds'), v_now), v_now - interval '2 seconds'))::text, false);
    END IF;
    IF p_whole THEN
        FOR v_from, v_to IN
            SELECT r.since, r.upto
            FROM (VALUES (true, CASE WHEN v_is_first THEN '-infinity' ELSE v_ends END, v_now), (v_again, v_place, v_again_to)) AS r(is_due, since, upto)
            WHERE r.is_due
        LOOP
            DELETE FROM df._activities a
            WHERE a.id IN (SELECT x.id FROM df._activity_ends e JOIN df._activities x ON x.id = abs(e.activity_id)
                           WHERE e.outcome = 'stopped' AND e.ended_at >= v_from AND e.ended_at < v_to LIMIT page FOR UPDATE OF x SKIP LOCKED);
            v_to := least(v_to, v_now - old);
            -- The answer of one that has not reached its node yet says that it has ended.
            DELETE FROM df._activity_ends d
            WHERE d.activity_id IN (
                SELECT e.activity_id FROM df._activity_ends e
                WHERE e.ended_at >= v_from AND e.ended_at < v_to
                    AND NOT EXISTS (SELECT FROM df._activities a WHERE a.id = abs(e.activity_id))
                    AND (e.outcome = 'stopped' OR NOT EXISTS (
                        SELECT FROM df.signals s WHERE s.instance_id = e.instance_id AND s.name = e.reply AND s.consumed_at IS NULL))
                ORDER BY e.ended_at LIMIT 10 * page FOR UPDATE SKIP LOCKED);
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            more := more OR v_rows >= 10 * page;
            DELETE FROM df._item_ends d
            USING (SELECT e.* FROM (SELECT DISTINCT k.kind, k.role FROM df._activity_marks k) AS k CROSS JOIN LATERAL (
                       SELECT x.xid, x.map_id, x.first FROM df._item_ends x
                       WHERE x.kind = k.kind AND x.role = k.role AND x.ended_at >= v_from AND x.ended_at < v_to LIMIT 10 * page) AS e
                   LIMIT 10 * page) AS e
            WHERE d.xid = e.xid AND d.map_id = e.map_id AND d.first = e.first;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            more := more OR v_rows >= 10 * page;
        END LOOP;
        IF NOT more THEN
            -- What is written is seen when it is committed: mostly within half a minute.
            v_from := v_now - old - interval '30 seconds';
            PERFORM set_config('df.ends_next', extract(epoch FROM v_from)::text, false);
            IF v_is_first THEN
                v_from := least(df._earliest_lease('-infinity', v_now), v_from);
                PERFORM set_config('df.sweep_began', extract(epoch FROM v_from)::text, false),
                    set_config('df.sweep_place', extract(epoch FROM v_from)::text, false);
            ELSE
                PERFORM set_config('df.sweep_place', extract(epoch FROM CASE WHEN v_again_to < v_now THEN v_again_to ELSE v_began END)::text, false);
            END IF;
        END IF;
    END IF;
    moved := df._move_marks();
    PERFORM pg_notify(c.channel, '') FROM df._activity_channels c
    WHERE EXISTS (
        SELECT FROM df._activity_marks k
        JOIN df._activities a ON a.kind = k.kind AND a.role = k.role AND a.priority = k.priority AND a.turn >= k.turn AND a.token IS NULL
            AND a.assignees IS NULL
        WHERE k.kind = c.kind AND df._may_claim(c.role, k.role, k.kind));
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._sweep_activities(bigint, boolean) IS
    'Leases that have ended since the last look of the session, ends that have become old (p_whole), and channels of roles with waiting activities. Locked rows are left for the next time, or for one of the ten minutes after that.';

-- Each counts as far as 20,000.
CREATE OR REPLACE FUNCTION df._activity_census(OUT activities_waiting bigint, OUT activities_claimed bigint, OUT activities_oldest double precision,
    OUT tasks_open bigint, OUT activities_completed bigint, OUT activities_failed bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    most CONSTANT integer := 20000;
    recently CONSTANT timestamptz := clock_timestamp() - interval '1 minute';
BEGIN
    -- From the marks on: before them nothing waits, and what has stood there is passed until vacuum has been there.
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(x.created_at)), 0) INTO activities_waiting, activities_oldest
    FROM (SELECT a.created_at FROM df._activity_marks k JOIN df._activities a
              ON a.kind = k.kind AND a.role = k.role AND a.priority = k.priority AND a.turn >= k.turn
          WHERE a.token IS NULL AND a.assignees IS NULL LIMIT most) AS x;
    -- A lease that ended is given back within a second, unless somebody has its row locked.
    activities_claimed := (SELECT count(*) FROM (SELECT FROM df._activities a WHERE a.token IS NOT NULL AND a.lease_until > recently LIMIT most) AS x);
    tasks_open := (SELECT count(*) FROM (SELECT FROM df._activities a WHERE a.assignees IS NOT NULL LIMIT most) AS x);
    SELECT count(*) FILTER (WHERE x.outcome = 'completed'), count(*) FILTER (WHERE x.outcome IN ('failed', 'lost'))
    INTO activities_completed, activities_failed
    FROM (SELECT e.outcome FROM (SELECT DISTINCT k.kind, k.role FROM df._activity_marks k) AS k CROSS JOIN LATERAL (
              SELECT a.outcome FROM df._activity_ends a
              WHERE a.kind = k.kind AND a.role = k.role AND a.ended_at > recently AND NOT a.is_task LIMIT 10 * most) AS e
          LIMIT 10 * most) AS x;
    SELECT activities_completed + coalesce(sum(cardinality(x.completed)), 0), activities_failed + coalesce(sum(cardinality(x.failed)), 0)
    INTO activities_completed, activities_failed
    FROM (SELECT e.completed, e.failed FROM (SELECT DISTINCT k.kind, k.role FROM df._activity_marks k) AS k CROSS JOIN LATERAL (
              SELECT i.completed, i.failed FROM df._item_ends i
              WHERE i.kind = k.kind AND i.role = k.role AND i.ended_at > recently LIMIT most) AS e
          LIMIT most) AS x;
END
$$;
COMMENT ON FUNCTION df._activity_census() IS 'Activities and tasks, for metrics: all kinds together, each number as far as 20,000.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_begin_activities', '_assign_items', '_next_turn', '_move_marks', '_activity_beginners', '_settle_items', '_item_news', '_complete_activities', '_stop_activity', '_stop_activities', '_end_activities',
                   '_claim_activities', '_claimed', '_settle_activity', '_extend_activity', '_answer_activity', '_decide', '_activity_channel',
                   '_do_activity_call', '_sweep_activities', '_earliest_lease', '_may_claim', '_activity_census')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
