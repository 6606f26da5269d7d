-- Events: what steps say to the outside (language.md, section 9). And attributes that steps set (section 10).
--
-- A step does not know whose it is, and could not be believed if it said so. So what it publishes waits in a setting of its transaction,
-- as text, until the checkpoint of the step takes it: that is authorised for one instance, and what a user puts into the setting is what
-- that instance may publish anyway. A savepoint that is rolled back takes its part of the setting away.

---------------------------------------------------------------------------------------------------------------------
-- Said by a step
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._check_event(event_name text, bytes integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF event_name = '' THEN
        RAISE EXCEPTION 'Event name cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(event_name) > 1024 THEN
        RAISE EXCEPTION 'Event name has % bytes, more than 1024', octet_length(event_name) USING ERRCODE = 'invalid_parameter_value';
    ELSIF bytes > 1048576 THEN
        RAISE EXCEPTION 'The value of event % has % bytes, more than 1048576', quote_literal(event_name), bytes
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Put the value into a table and publish the key of its row.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_event(text, integer) IS 'Internal: limits of an event in bytes: its name 1024, its value as JSON text 1 MiB. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._say(function_name text, said text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    before text := nullif(current_setting('df.told', true), '');
BEGIN
    IF current_setting('df.in_workflow', true) IS DISTINCT FROM 'true' THEN
        RAISE EXCEPTION '%() can only be called inside a workflow: a step calls it, for the instance that it belongs to', function_name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('For example SELECT df.start(''SELECT %s(...)'');', function_name);
    ELSIF current_setting('df.outside_transaction', true) = 'true' THEN
        RAISE EXCEPTION '%() cannot be called by a step that runs outside of a transaction: there is no commit that both would be part of', function_name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call it in a step of its own, behind this one.';
    ELSIF current_setting('transaction_read_only') = 'on' THEN
        RAISE EXCEPTION '%() cannot be called in a read-only transaction', function_name
            USING ERRCODE = 'read_only_sql_transaction';
    ELSIF octet_length(before) + octet_length(said) > 8388608 THEN
        RAISE EXCEPTION '%(): what this transaction publishes is more than 8388608 bytes', function_name
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Publish less at once, or put the values into a table.';
    END IF;
    PERFORM set_config('df.told', concat_ws(E'\n', before, said), true);
END
$$;
COMMENT ON FUNCTION df._say(text, text) IS 'Internal: keeps a message of a step for its checkpoint.';

CREATE OR REPLACE FUNCTION df.publish(name text, value jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    PERFORM df._check_event(name, octet_length(value::text));
    -- A line each: JSON texts hold no line feed.
    PERFORM df._say('df.publish', concat('{"event":', to_json(name), ',"value":', coalesce(value, 'null'), '}'));
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.publish(text, jsonb) IS
    'In a step: publishes a value of the instance under a name, when the transaction of the step commits. df.event and df.wait_for_event read the last one.';

CREATE OR REPLACE FUNCTION df._check_attributes(what text, attributes jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong text;
BEGIN
    IF jsonb_typeof(attributes) <> 'object' THEN
        RAISE EXCEPTION '% must be a JSON object, not %', what, jsonb_typeof(attributes)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"customer": 7, "region": "eu"}.';
    ELSIF octet_length(attributes::text) > 16384 THEN
        RAISE EXCEPTION '% has % bytes, more than 16384', what, octet_length(attributes::text)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Attributes are what instances are found by; what a workflow works with goes into tables, vars or results.';
    END IF;
    SELECT key INTO wrong FROM jsonb_object_keys(attributes) AS key WHERE key = '' OR octet_length(key) > 256 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has a name that is empty or longer than 256 bytes', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_attributes(text, jsonb) IS 'Internal: attributes are an object of at most 16 KiB.';

CREATE OR REPLACE FUNCTION df.set_attributes(attributes jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'attributes', attributes IS NOT NULL);
    PERFORM df._check_attributes('attributes of df.set_attributes()', attributes);
    PERFORM df._say('df.set_attributes', concat('{"attributes":', attributes, '}'));
    RETURN 'OK';
END
$$;
COMMENT ON FUNCTION df.set_attributes(jsonb) IS
    'In a step: sets attributes of the instance, by which df.find_instances finds it, when the transaction of the step commits. Others stay; null removes one.';

---------------------------------------------------------------------------------------------------------------------
-- Taken by its checkpoint
---------------------------------------------------------------------------------------------------------------------

-- What contains what: a document contains another one when it has all of its entries, and some others that are looked at afterwards.
CREATE OR REPLACE FUNCTION df._entries_of(attributes jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT ROWS 5
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
WITH RECURSIVE parts AS (
    SELECT '' AS path, attributes AS value
    UNION ALL
    -- One step is one term: a recursive query may name itself once.
    SELECT concat(p.path, '/', to_json(m.key)), m.value
    FROM parts p CROSS JOIN LATERAL (
        SELECT o.key, o.value FROM jsonb_each(CASE WHEN jsonb_typeof(p.value) = 'object' THEN p.value END) AS o
        UNION ALL
        SELECT NULL, a.value FROM jsonb_array_elements(CASE WHEN jsonb_typeof(p.value) = 'array' THEN p.value END) AS a) AS m
)
SELECT DISTINCT md5(concat(p.path, CASE WHEN jsonb_typeof(p.value) NOT IN ('object', 'array')
    -- Numbers are equal whatever zeros they are written with.
    THEN concat('=', jsonb_typeof(p.value), ':', CASE WHEN jsonb_typeof(p.value) = 'number'
        THEN trim_scale((p.value #>> '{}')::numeric)::text ELSE p.value #>> '{}' END) END))
FROM parts p WHERE p.path <> ''
$$;
COMMENT ON FUNCTION df._entries_of(jsonb) IS
    'Internal: hashes of the contents of an object. Every object that contains it has them all.';

-- Definer: submitters write attributes of an instance when they start it, and entries never. Runs no user code.
CREATE OR REPLACE FUNCTION df._write_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    IF tg_when = 'BEFORE' THEN
        PERFORM df._check_attributes('attributes', new.attributes);
        new.created_at := (SELECT i.created_at FROM df.instances i WHERE i.id = new.instance_id);
        RETURN new;
    END IF;
    IF tg_op = 'UPDATE' THEN
        DELETE FROM df._attribute_entries e WHERE e.instance_id = new.instance_id
            AND NOT EXISTS (SELECT FROM df._entries_of(new.attributes) AS n(entry) WHERE n.entry = e.entry);
    END IF;
    INSERT INTO df._attribute_entries (instance_id, submitted_by, entry, created_at)
    SELECT new.instance_id, new.submitted_by, n.entry, new.created_at FROM df._entries_of(new.attributes) AS n(entry)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._write_entries() IS 'Internal: writes the entries by which an instance is found.';
CREATE OR REPLACE TRIGGER attributes_check BEFORE INSERT OR UPDATE ON df._attributes FOR EACH ROW EXECUTE FUNCTION df._write_entries();
CREATE OR REPLACE TRIGGER attributes_entries AFTER INSERT OR UPDATE ON df._attributes FOR EACH ROW EXECUTE FUNCTION df._write_entries();

-- The step may have put anything into the setting. Whatever it was, it was said by a step of this instance.
CREATE OR REPLACE FUNCTION df._tell(p_instance text, p_told text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_said jsonb[];
    v_name text;
    v_patch jsonb;
    v_wakes boolean := false;
BEGIN
    BEGIN
        v_said := ARRAY(SELECT line::jsonb FROM string_to_table(p_told, E'\n') AS line);
        IF EXISTS (SELECT FROM unnest(v_said) AS said WHERE (jsonb_typeof(said -> 'event') = 'string' AND said ? 'value'
                       OR jsonb_typeof(said -> 'attributes') = 'object') IS NOT TRUE) THEN
            RAISE EXCEPTION 'neither event nor attributes' USING ERRCODE = 'data_exception';
        END IF;
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
        RAISE EXCEPTION 'The value that this step has given to the setting df.told cannot be read'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Call df.publish() and df.set_attributes().';
    END;
    PERFORM set_config('df.told', '', true);

    PERFORM df._check_event(said ->> 'event', octet_length((said -> 'value')::text)) FROM unnest(v_said) AS said WHERE said ? 'event';
    INSERT INTO df._events (instance_id, name, value, bytes)
    SELECT p_instance, s.said ->> 'event', s.said -> 'value', octet_length((s.said -> 'value')::text)
    FROM unnest(v_said) WITH ORDINALITY AS s(said, place) WHERE s.said ? 'event' ORDER BY s.place;
    FOR v_name IN SELECT DISTINCT said ->> 'event' FROM unnest(v_said) AS said WHERE said ? 'event' LOOP
        v_wakes := true;
        -- In an older snapshot a row that somebody else has taken away is an error; the next one to publish takes it away.
        IF current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM df._events e WHERE e.id IN (
                SELECT x.id FROM df._events x
                WHERE x.instance_id = p_instance AND x.name = v_name AND x.id <= (
                    SELECT y.id FROM df._events y WHERE y.instance_id = p_instance AND y.name = v_name ORDER BY y.id DESC OFFSET 1000 LIMIT 1)
                FOR UPDATE SKIP LOCKED);
        END IF;
    END LOOP;
    IF v_wakes THEN
        PERFORM df._wake_worker();
    END IF;

    FOR v_patch IN SELECT s.said -> 'attributes' FROM unnest(v_said) WITH ORDINALITY AS s(said, place)
                   WHERE s.said ? 'attributes' ORDER BY s.place LOOP
        -- An instance without attributes has no row, and gets one.
        INSERT INTO df._attributes AS a (instance_id, submitted_by, attributes)
        SELECT i.id, i.submitted_by, m.attributes
        FROM df.instances i
        LEFT JOIN df._attributes o ON o.instance_id = i.id
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') AS attributes
            FROM jsonb_each(coalesce(o.attributes, '{}') || v_patch) AS e
            WHERE v_patch -> e.key IS DISTINCT FROM 'null') AS m
        WHERE i.id = p_instance
        ON CONFLICT (instance_id) DO UPDATE SET attributes = (
            SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(a.attributes || v_patch) AS e
            WHERE v_patch -> e.key IS DISTINCT FROM 'null');
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._tell(text, text) IS 'Writes the events and attributes of a step. Called with the settings of its callers, in the transaction of the step.';

---------------------------------------------------------------------------------------------------------------------
-- Read from outside
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.event(instance_id text, name text, timeout integer DEFAULT 0) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    instance_status text;
    uncommitted boolean;
    found_value jsonb;
    began timestamptz := clock_timestamp();
    deadline timestamptz;
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL), df._require(1, 'name', name IS NOT NULL),
            df._require(2, 'timeout', timeout IS NOT NULL);
    PERFORM df._check_event(name, 0);
    IF timeout < 0 THEN
        RAISE EXCEPTION 'Timeout must not be negative' USING ERRCODE = 'invalid_parameter_value';
    ELSIF timeout > 0 THEN
        PERFORM df._refuse_in_workflow('df.event', 'with a timeout it would block a worker thread. Use df.wait_for_event(), or df.event() without a timeout.');
    END IF;
    deadline := began + make_interval(secs => timeout);
    -- Each statement of a volatile function has a new snapshot in READ COMMITTED, so that this sees what others commit.
    LOOP
        -- The status first: what an instance published before it ended is seen behind its end.
        SELECT i.status, i.status IN ('pending', 'running') AND df._is_uncommitted(i.xmin) INTO instance_status, uncommitted
        FROM df.instances i WHERE i.id = instance_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Instance not found or access denied: %', instance_id USING ERRCODE = 'internal_error';
        END IF;
        SELECT e.value INTO found_value FROM df._events e
        WHERE e.instance_id = event.instance_id AND e.name = event.name ORDER BY e.id DESC LIMIT 1;
        IF FOUND OR instance_status IN ('completed', 'failed', 'cancelled') OR clock_timestamp() >= deadline THEN
            RETURN found_value;
        ELSIF uncommitted THEN
            RAISE EXCEPTION 'Instance % was started in this transaction, and runs after its COMMIT: it cannot be waited for here', instance_id
                USING ERRCODE = 'data_exception',
                      HINT = 'Start it in one statement and wait in another: SELECT df.start(...); then SELECT df.event(...).';
        ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'An event of instance % cannot be waited for in a transaction whose isolation level is %: it does not see what others commit', instance_id, current_setting('transaction_isolation')
                USING ERRCODE = 'data_exception',
                      HINT = 'SET default_transaction_isolation = ''read committed''; before the statement that waits, or ask without a timeout.';
        END IF;
        -- A tenth of what it has waited so far, 1 ms at least and 100 ms at most: many may wait, and for long.
        PERFORM pg_sleep(least(extract(epoch FROM deadline - clock_timestamp()),
            greatest(0.001, least(0.1, extract(epoch FROM clock_timestamp() - began) / 10))));
    END LOOP;
END
$$;
COMMENT ON FUNCTION df.event(text, text, integer) IS
    'Latest value that an instance has published under a name, or NULL. A timeout in seconds waits for a first value, or for the end of the instance.';

CREATE OR REPLACE FUNCTION df.events(instance_id text)
RETURNS TABLE (id bigint, name text, value jsonb, published_at timestamptz)
LANGUAGE plpgsql VOLATILE ROWS 20
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
BEGIN
    PERFORM df._require(0, 'instance_id', events.instance_id IS NOT NULL);
    RETURN QUERY
    SELECT e.id, e.name, e.value, e.published_at FROM df._events e WHERE e.instance_id = events.instance_id ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION df.events(text) IS
    'Values that the steps of an instance have published, in order; the last 1,000 of each name.';

---------------------------------------------------------------------------------------------------------------------
-- Waited for by a node
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.wait_for_event(instance_id text, name text, timeout integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL), df._require(1, 'name', name IS NOT NULL);
    PERFORM df._check_event(name, 0);
    IF instance_id ~ '^\s*$' THEN
        RAISE EXCEPTION 'Instance ID cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(instance_id) > 1024 THEN
        RAISE EXCEPTION 'Instance ID has % bytes: it is an id, or a reference such as $other', octet_length(instance_id)
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF timeout <= 0 THEN
        RAISE EXCEPTION 'Timeout must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN concat('{"node_type":"WAIT_EVENT","query":', to_json(concat('{"instance_id":', to_json(instance_id), ',"event_name":', to_json(name),
        ',"timeout_seconds":', coalesce(timeout::text, 'null'), '}')), '}');
END
$$;
COMMENT ON FUNCTION df.wait_for_event(text, text, integer) IS
    'Waits until another instance has published a value under this name (df.publish), at most for a number of seconds. The instance may be a reference: $other, {other}.';

CREATE OR REPLACE FUNCTION df.wait_for_event(instance_id text, name text, timeout interval) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    seconds bigint := df._whole_seconds('df.wait_for_event', timeout);
BEGIN
    IF seconds > 2147483647 THEN
        RAISE EXCEPTION 'df.wait_for_event: the interval must be at most 68 years, not %', timeout USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN df.wait_for_event(instance_id, name, seconds::integer);
END
$$;
COMMENT ON FUNCTION df.wait_for_event(text, text, interval) IS
    'Waits until another instance has published a value under this name, at most for an interval, in whole seconds.';

-- A literal without a type, which both of the above would take, means this one.
CREATE OR REPLACE FUNCTION df.wait_for_event(instance_id text, name text, timeout text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF timeout IS NULL OR timeout ~ '^[[:space:]]*[+-]?[0-9]+[[:space:]]*$' THEN
        RETURN df.wait_for_event(instance_id, name, timeout::integer);
    END IF;
    RETURN df.wait_for_event(instance_id, name, timeout::interval);
END
$$;
COMMENT ON FUNCTION df.wait_for_event(text, text, text) IS
    'Waits until another instance has published a value under this name, at most for a number of seconds (''90'') or an interval (''15 minutes'').';

-- As dev.perdure.graph.NodeParser reads it.
CREATE OR REPLACE FUNCTION df._event_problem(node_type text, query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    config jsonb;
BEGIN
    IF node_type IS DISTINCT FROM 'WAIT_EVENT' OR query IS NULL THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    RETURN CASE
        WHEN config IS NULL THEN 'query in WAIT_EVENT must be a JSON config object'
        WHEN coalesce(jsonb_typeof(config -> 'instance_id'), '') <> 'string' OR config ->> 'instance_id' ~ '^\s*$'
            OR octet_length(config ->> 'instance_id') > 1024 THEN 'WAIT_EVENT has no instance_id'
        WHEN coalesce(jsonb_typeof(config -> 'event_name'), '') <> 'string' OR config ->> 'event_name' = ''
            OR octet_length(config ->> 'event_name') > 1024 THEN 'WAIT_EVENT has no event_name'
        WHEN coalesce(jsonb_typeof(config -> 'timeout_seconds'), 'null') <> 'null'
            AND (jsonb_typeof(config -> 'timeout_seconds') = 'number' AND config ->> 'timeout_seconds' ~ '^[0-9]{1,10}$'
                 AND (config ->> 'timeout_seconds')::bigint BETWEEN 1 AND 2147483647) IS NOT TRUE
            THEN 'timeout_seconds of WAIT_EVENT is not a positive integer' END;
END
$$;
COMMENT ON FUNCTION df._event_problem(text, text) IS 'Internal: the problem of the configuration of a WAIT_EVENT; NULL for none.';

-- [{"node", "instance", "name"}, …]: nodes that begin to wait; without an instance it is over.
CREATE OR REPLACE FUNCTION df._wait_for_events(p_subject text, p_waits jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_wait record;
BEGIN
    FOR v_wait IN SELECT w.* FROM jsonb_to_recordset(p_waits) AS w(node text, instance text, name text) LOOP
        IF v_wait.instance IS NULL THEN
            DELETE FROM df._event_waits WHERE instance_id = left(p_subject, 8) AND subject = p_subject AND node_id = v_wait.node;
        ELSE
            INSERT INTO df._event_waits (instance_id, subject, node_id, publisher_id, name)
            VALUES (left(p_subject, 8), p_subject, v_wait.node, v_wait.instance, v_wait.name)
            ON CONFLICT (instance_id, subject, node_id)
                DO UPDATE SET publisher_id = excluded.publisher_id, name = excluded.name;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._wait_for_events(text, jsonb) IS 'Writes the waits of nodes for events. Called with the settings of its callers.';

-- The words of a wait in memory are character 1 and the node; a signal whose name begins with that has one more of them in front.
CREATE OR REPLACE FUNCTION df._awaited_events(p_subjects text[], p_names text[])
RETURNS TABLE (place bigint, id bigint, bytes integer, publisher_id text)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
BEGIN
    RETURN QUERY
    SELECT w.place, coalesce(e.id, -1), coalesce(e.bytes, 100), v.publisher_id
    FROM unnest(p_subjects, p_names) WITH ORDINALITY AS w(subject, name, place)
    CROSS JOIN LATERAL (
        SELECT y.instance_id, y.publisher_id, y.name FROM df._event_waits y
        WHERE y.instance_id = left(w.subject, 8) AND y.subject = w.subject AND y.node_id = substr(w.name, 2) LIMIT 1) AS v
    CROSS JOIN LATERAL (SELECT y.submitted_by FROM df.instances y WHERE y.id = v.instance_id LIMIT 1) AS own
    -- Whom the role of the waiting instance could see itself.
    LEFT JOIN LATERAL (
        SELECT y.id FROM df.instances y WHERE y.id = v.publisher_id AND (y.submitted_by = own.submitted_by
            OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = own.submitted_by AND (r.rolsuper OR r.rolbypassrls))) LIMIT 1) AS p ON true
    LEFT JOIN LATERAL (
        SELECT x.id, x.bytes FROM df._events x
        WHERE x.instance_id = p.id AND x.name = v.name ORDER BY x.id DESC LIMIT 1) AS e ON true
    WHERE ascii(w.name) = 1 AND ascii(substr(w.name, 2)) <> 1 AND (e.id IS NOT NULL OR p.id IS NULL);
END
$$;
COMMENT ON FUNCTION df._awaited_events(text[], text[]) IS
    'Internal: for each wait for an event the last one; -1 when the waiting role cannot see the instance. Called with the settings of its callers.';

-- A page of those who wait for what has been published since: by event and wait, since many may wait for one event.
CREATE OR REPLACE FUNCTION df._event_news(p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_at record;
    v_xmax xid8;
    v_xip xid8[];
    v_event bigint;
    v_wait bigint;
    v_places text[];
    v_ends text[];
BEGIN
    v_at := df._read_place(p_place);
    place := coalesce(v_at.upto::text, p_now);
    IF NOT EXISTS (SELECT FROM df._event_waits) THEN
        RETURN;
    END IF;
    v_xmax := greatest(pg_snapshot_xmax(v_at.since), v_at.after_xid);
    v_xip := ARRAY(SELECT x FROM pg_snapshot_xip(v_at.since) AS x
                   WHERE x >= v_at.after_xid AND pg_visible_in_snapshot(x, coalesce(v_at.upto, p_now::pg_snapshot)));
    v_event := nullif(split_part(v_at.after_id, '.', 1), '');
    v_wait := nullif(split_part(v_at.after_id, '.', 2), '');
    -- A page of events, and those who wait for any of them. A thousand events of one name are one for those who wait: the last one. Otherwise as many
    -- pairs would be made as there are events times waits.
    WITH page AS MATERIALIZED (
        SELECT a.*, row_number() OVER (ORDER BY a.xid, a.id) AS number FROM (
            (SELECT x.xid, x.id, x.instance_id, x.name FROM df._events x
             WHERE x.xid = ANY (v_xip) AND (x.xid > v_at.after_xid OR x.id >= v_event)
             ORDER BY x.xid, x.id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.xid, x.id, x.instance_id, x.name FROM df._events x
             WHERE x.xid >= v_xmax AND x.xid < pg_snapshot_xmax(coalesce(v_at.upto, p_now::pg_snapshot))
                AND (x.xid > v_at.after_xid OR x.id >= v_event)
                AND pg_visible_in_snapshot(x.xid, coalesce(v_at.upto, p_now::pg_snapshot))
             ORDER BY x.xid, x.id LIMIT p_limit + 1)) AS a
        ORDER BY a.xid, a.id LIMIT p_limit + 1
    ), last AS MATERIALIZED (
        SELECT DISTINCT ON (g.instance_id, g.name) g.* FROM page g WHERE g.number <= p_limit ORDER BY g.instance_id, g.name, g.number DESC
    ), waits AS (
        SELECT l.number, l.xid, l.id AS event_id, w.id AS wait_id, w.instance_id, w.node_id
        FROM (SELECT * FROM last ORDER BY number) AS l
        CROSS JOIN LATERAL (
            SELECT y.id, y.instance_id, y.node_id FROM df._event_waits y
            WHERE y.publisher_id = l.instance_id AND y.name = l.name AND (l.xid > v_at.after_xid OR l.id > v_event OR y.id > v_wait)
            ORDER BY y.id LIMIT p_limit + 1) AS w
        ORDER BY l.number, w.id LIMIT p_limit + 1)
    SELECT array_agg(w.instance_id::text ORDER BY w.number, w.wait_id), array_agg(concat(chr(1), w.node_id) ORDER BY w.number, w.wait_id),
           array_agg(concat_ws(';', w.xid, concat(w.event_id, '.', w.wait_id)) ORDER BY w.number, w.wait_id),
           (SELECT array_agg(concat_ws(';', g.xid, concat(g.id, '.9223372036854775807')) ORDER BY g.number) FROM page g WHERE g.number >= p_limit)
    INTO ids, details, v_places, v_ends
    FROM waits w;
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        details := trim_array(details, 1);
        place := concat_ws(';', coalesce(v_at.upto::text, p_now), v_at.since, v_places[p_limit]);
    ELSIF cardinality(v_ends) > 1 THEN
        place := concat_ws(';', coalesce(v_at.upto::text, p_now), v_at.since, v_ends[1]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._event_news(text, text, integer) IS
    'Internal: the instances that wait for an event that was published since, and the place behind that. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._left_event_waits(p_after text, p_limit integer)
RETURNS TABLE (instance_id text, role_oid bigint, bytes bigint)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
BEGIN
    RETURN QUERY
    SELECT x.instance_id::text, x.role::bigint, df._bytes(x.instance_id)
    FROM (SELECT DISTINCT w.instance_id FROM df._event_waits w
          WHERE w.instance_id > p_after AND EXISTS (SELECT FROM df._events e WHERE e.instance_id = w.publisher_id AND e.name = w.name)) AS g
    JOIN df._inbox x ON x.instance_id = g.instance_id
    WHERE x.wake_at > clock_timestamp()
    ORDER BY x.instance_id LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION df._left_event_waits(text, integer) IS
    'Internal: at take-over, sleepers for whose waits an event is there. Called with the settings of its callers.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_write_entries', '_tell', '_wait_for_events', '_awaited_events',
                   '_event_news', '_left_event_waits')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
