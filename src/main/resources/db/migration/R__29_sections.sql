-- Sections of workflows that hold a slot of a queue: df.with_queue (ADR 225).
--
-- A section asks with a statement in the submitter's own session, whose checkpoint says that it waits. Its row of df._starts stands in
-- the queue like that of an instance (R__28_admission.sql), and the slot is given by a signal. The decision that ends the section, or
-- whatever it stands in, deletes the row.

---------------------------------------------------------------------------------------------------------------------
-- The builder
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._section_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IS DISTINCT FROM 'WITH_QUEUE' OR query IS NULL THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    RETURN CASE
        WHEN config IS NULL THEN 'query in WITH_QUEUE must be a JSON config object'
        WHEN (jsonb_typeof(config -> 'queue') = 'string' AND length(config ->> 'queue') BETWEEN 1 AND 255) IS NOT TRUE
            THEN 'queue of WITH_QUEUE must be a name of 1 to 255 characters'
        WHEN coalesce(jsonb_typeof(config -> 'key'), 'null') NOT IN ('string', 'null') THEN 'key of WITH_QUEUE must be a string'
        WHEN config ->> 'key' = '' THEN 'key of WITH_QUEUE must not be empty' END;
END
$$;
COMMENT ON FUNCTION df._section_problem(text, text) IS
    'Internal: the problem with the configuration of a WITH_QUEUE; NULL without one, and for other nodes.';

-- A path is that of its parent and a step: the prefixes of a path are its ancestors.
CREATE OR REPLACE FUNCTION df._nested_section(paths text[], node_types text[], queries text[]) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
WITH sections AS MATERIALIZED (
    SELECT n.path, df._json_object(n.query) ->> 'queue' AS queue, n.place
    FROM unnest(paths, node_types, queries) WITH ORDINALITY AS n(path, kind, query, place) WHERE n.kind = 'WITH_QUEUE'
)
SELECT format('%s: a section of queue "%s" stands in another one of that queue, and would wait for the slot that this one holds', i.path, i.queue)
FROM sections i JOIN sections o ON o.queue = i.queue AND starts_with(i.path, concat(o.path, '.'))
ORDER BY i.place LIMIT 1
$$;
COMMENT ON FUNCTION df._nested_section(text[], text[], text[]) IS
    'Internal: says of a graph that a section would wait for the slot of one around it; NULL when none would.';

CREATE OR REPLACE FUNCTION df.with_queue(node text, queue text, key text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config text := concat('{"queue":', to_json(queue), CASE WHEN key IS NOT NULL THEN concat(',"key":', to_json(key)) END, '}');
    problem text;
    built text;
    graph record;
BEGIN
    PERFORM df._require(0, 'node', node IS NOT NULL), df._require(1, 'queue', queue IS NOT NULL);
    problem := df._section_problem('WITH_QUEUE', config);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'df.with_queue: %', replace(problem, ' of WITH_QUEUE', '') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example df.with_queue(df.http(...), ''mail'', ''$r.customer'').';
    END IF;
    built := concat('{"node_type":"WITH_QUEUE","left_node":', df._as_node(node), ',"query":', to_json(config), '}');
    IF strpos(node, '"WITH_QUEUE"') > 0 THEN
        graph := df._graph(built);
        problem := df._nested_section(graph.paths, graph.node_types, graph.queries);
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'df.with_queue: %', problem USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Put what needs the slot into one section, or use a second queue.';
        END IF;
    END IF;
    RETURN built;
END
$$;
COMMENT ON FUNCTION df.with_queue(text, text, text) IS
    'Runs node in a slot of a queue: it waits for the slot, holds it while node runs, and gives it back however node ends. key is a template, as of a parameter; it is resolved when the section is reached.';

-- The queues of a graph, as the role that starts it sees them. A name means what it means when the section is reached; it may be gone then.
CREATE OR REPLACE FUNCTION df._check_sections(function_name text, root text, own_queue text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    graph record;
    section record;
BEGIN
    IF strpos(root, '"WITH_QUEUE"') = 0 THEN
        RETURN;
    END IF;
    graph := df._graph(root);
    FOR section IN SELECT DISTINCT ON (s.queue) s.queue, s.path
                   FROM (SELECT df._json_object(n.query) ->> 'queue' AS queue, n.path
                         FROM unnest(graph.paths, graph.node_types, graph.queries) AS n(path, kind, query) WHERE n.kind = 'WITH_QUEUE') AS s LOOP
        IF NOT EXISTS (SELECT FROM df.queues q WHERE q.name = section.queue) THEN
            RAISE EXCEPTION '%: there is no queue "%" of yours, and none of that name was granted to you (%, df.with_queue)',
                    function_name, section.queue, section.path
                USING ERRCODE = 'undefined_object', HINT = format('SELECT df.create_queue(%L, concurrency => 5);', section.queue);
        ELSIF section.queue = own_queue THEN
            RAISE EXCEPTION '%: the instance is to run in queue "%", and so does its section (%, df.with_queue): it would wait for the slot that it holds',
                    function_name, section.queue, section.path
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave the option queue out, or use a second queue for one of them.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._check_sections(text, text, text) IS 'Internal: raises an error for wrong queues in a graph that is to be started.';

---------------------------------------------------------------------------------------------------------------------
-- Asking
---------------------------------------------------------------------------------------------------------------------

-- The worker's statement for a WITH_QUEUE, with the rights of the submitter: only the row is put in by a trigger.
CREATE OR REPLACE FUNCTION df._ask_for_slot(queue text, key text, subject text, node_id text, execution_id text, reply text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
BEGIN
    INSERT INTO df._section_requests (submitted_by, subject, node_id, execution_id, reply, queue, key)
    VALUES (quote_ident(current_user)::regrole, _ask_for_slot.subject, _ask_for_slot.node_id, _ask_for_slot.execution_id,
            _ask_for_slot.reply, _ask_for_slot.queue, nullif(_ask_for_slot.key, ''));
    RETURN queue;
END
$$;
COMMENT ON FUNCTION df._ask_for_slot(text, text, text, text, text, text) IS
    'Internal: puts a section into its queue, as the submitter and in the transaction of its checkpoint.';

-- Whether who called this instance, or who called that one, holds a slot of the queue until it has ended: then it would never get one.
CREATE OR REPLACE FUNCTION df._held_above(p_queue uuid, p_instance text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
WITH RECURSIVE up AS (
    SELECT p_instance AS id, NULL::text AS subject, NULL::text AS node, 0 AS depth
    UNION ALL
    SELECT c.parent_id::text, c.subject, c.node_id, u.depth + 1 FROM up u JOIN df._calls c ON c.child_id = u.id WHERE u.depth < 20
)
SELECT u.id
FROM up u JOIN df._starts s ON s.instance_id = u.id AND s.queue = p_queue AND s.ended_at IS NULL
WHERE s.section = '' OR u.node IS NOT NULL AND s.admitted_at IS NOT NULL AND s.subject = u.subject AND EXISTS (
    -- The call stands in the section.
    WITH RECURSIVE nodes AS MATERIALIZED (
        SELECT d.id, df._describe_node(1, d.node_type, d.query, NULL, d.left_node, d.right_node, NULL) AS described
        FROM df.instances i, df._definition(i.root_node, i.graph) AS d WHERE i.id = u.id
    ), below AS (
        SELECT s.node_id AS id
        UNION
        SELECT k.child FROM below b JOIN nodes n ON n.id = b.id CROSS JOIN LATERAL (
            SELECT n.described ->> 'l' UNION ALL SELECT n.described ->> 'r' UNION ALL SELECT n.described ->> 'c'
            UNION ALL SELECT jsonb_array_elements_text(n.described -> 'x')) AS k(child) WHERE k.child IS NOT NULL)
    SELECT FROM below b WHERE b.id = u.node)
ORDER BY u.depth LIMIT 1
$$;
COMMENT ON FUNCTION df._held_above(uuid, text) IS
    'Internal: the instance whose slot of a queue a section of this instance would wait for without end; NULL when there is none.';

-- Definer: see df._request_start. The row has passed the policy: the instance is the caller's.
CREATE OR REPLACE FUNCTION df._request_slot() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_instance text := left(new.subject, 8);
    v_queue df._queues;
    v_full record;
    v_above text;
BEGIN
    DELETE FROM df._section_requests r WHERE r.submitted_by = new.submitted_by AND r.subject = new.subject AND r.node_id = new.node_id
        AND r.execution_id = new.execution_id;
    IF new.subject !~ '^[0-9a-f]{8}([.][0-9]{1,18}[.][0-9]{1,18})?$' OR new.node_id !~ '^[A-Za-z0-9_-]{1,64}$'
        OR new.reply !~ '^df[.]with_queue [0-9a-f-]{36}$' OR octet_length(new.execution_id) > 100000 THEN
        RAISE EXCEPTION 'perdure: instance % has no section that waits for a slot', v_instance USING ERRCODE = 'no_data_found';
    ELSIF length(new.key) > 255 THEN
        RAISE EXCEPTION 'df.with_queue: the key has % characters, at most 255 are allowed (instance %, node %)', length(new.key), v_instance, new.node_id
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_queue := df._queue_of(new.submitted_by, new.queue);
    v_above := df._held_above(v_queue.id, v_instance);
    IF v_above IS NOT NULL THEN
        RAISE EXCEPTION 'df.with_queue: instance % holds a slot of queue "%" until this section has ended, and the section would wait for that slot (instance %, node %)',
                v_above, new.queue, v_instance, new.node_id
            USING ERRCODE = 'object_in_use', HINT = 'Use another queue for one of the two.';
    END IF;
    IF v_queue.overflow = 'reject' THEN
        SELECT f.queue_is_full, f.key_is_full INTO v_full FROM df._has_slot(v_queue, coalesce(new.key, '')) AS f;
        IF v_full.queue_is_full OR v_full.key_is_full THEN
            RAISE EXCEPTION 'queue "%" is full% (instance %, node %)', new.queue,
                    CASE WHEN NOT v_full.queue_is_full THEN format(' for key %L', new.key) ELSE '' END, v_instance, new.node_id
                USING ERRCODE = 'configuration_limit_exceeded', HINT = 'Its overflow is reject: df.retry tries it again, df.catch goes another way.';
        END IF;
    END IF;
    -- Whatever ends the instance gives back what is left, so that it must not end in between.
    UPDATE df._inbox x SET limited = true WHERE x.instance_id = v_instance AND x.limited IS NOT TRUE;
    IF NOT FOUND THEN
        PERFORM FROM df._inbox x WHERE x.instance_id = v_instance FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'perdure: instance % has ended', v_instance USING ERRCODE = 'no_data_found';
        END IF;
    END IF;
    INSERT INTO df._starts (instance_id, role, queue, key, section, subject, node_id, execution_id)
    VALUES (v_instance, new.submitted_by, v_queue.id, coalesce(new.key, ''), new.reply, new.subject, new.node_id, new.execution_id);
    PERFORM df._wake_worker();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._request_slot() IS 'Internal: puts a section into its queue.';
CREATE OR REPLACE TRIGGER section_requests_do AFTER INSERT ON df._section_requests FOR EACH ROW EXECUTE FUNCTION df._request_slot();

---------------------------------------------------------------------------------------------------------------------
-- Giving, and giving back
---------------------------------------------------------------------------------------------------------------------

-- [{"node", "execution_id"}, …]: sections of one subject that end with a decision (node *: whatever there are), and those of items of
-- maps that end with it.
CREATE OR REPLACE FUNCTION df._end_sections(p_subject text, p_sections jsonb, p_maps bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_names text[];
BEGIN
    WITH ended AS (
        DELETE FROM df._starts s
        WHERE s.instance_id = left(p_subject, 8) AND s.section <> ''
            AND (s.subject = p_subject AND EXISTS (
                    SELECT FROM jsonb_to_recordset(p_sections) AS e(node text, execution_id text)
                    WHERE e.node = '*' OR s.node_id = e.node AND s.execution_id = e.execution_id)
                OR strpos(s.subject, '.') > 0 AND split_part(s.subject, '.', 2)::bigint = ANY (p_maps))
        RETURNING s.section)
    SELECT array_agg(e.section) INTO v_names FROM ended e;
    IF v_names IS NOT NULL THEN
        -- A statement of its own: it sees the signal of a slot that was given while the one above waited for the row.
        DELETE FROM df.signals g WHERE g.instance_id = left(p_subject, 8) AND g.name = ANY (v_names);
    END IF;
END
$$;
COMMENT ON FUNCTION df._end_sections(text, jsonb, bigint[]) IS
    'Ends sections, whose slots are free with that. Called with the settings of its callers.';

REVOKE EXECUTE ON FUNCTION df._held_above(uuid, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._request_slot() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._end_sections(text, jsonb, bigint[]) FROM PUBLIC;
