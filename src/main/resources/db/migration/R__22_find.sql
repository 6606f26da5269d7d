-- Instances are found, and handled in numbers (language.md, section 10).
--
-- What can be asked for is one table of conditions, written here: values of users are parameters of the query, never a part of its text.

---------------------------------------------------------------------------------------------------------------------
-- Attributes of what is started
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._put_attributes(instance_id text, attributes jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    INSERT INTO df._attributes (instance_id, submitted_by, attributes)
    SELECT _put_attributes.instance_id, quote_ident(current_user)::regrole, o.attributes
    FROM (SELECT jsonb_object_agg(e.key, e.value) AS attributes FROM jsonb_each(_put_attributes.attributes) AS e WHERE e.value <> 'null') AS o
    WHERE o.attributes IS NOT NULL;
END
$$;
COMMENT ON FUNCTION df._put_attributes(text, jsonb) IS
    'Internal: the attributes of an instance that is being started. Called with the settings of its callers.';

-- Beside df.start_many(text, text), on which rights are granted; who may not call that one may not call this one either.
CREATE OR REPLACE FUNCTION df.start_many(fut text, items text, options jsonb) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 100
AS $$
DECLARE
    what pg_catalog.record := df._check_many(fut, items, options);
    item pg_catalog.record;
    page pg_catalog.jsonb[] := '{}';
BEGIN
    FOR item IN EXECUTE items LOOP
        page := pg_catalog.array_append(page, pg_catalog.to_jsonb(item));
        IF pg_catalog.cardinality(page) OPERATOR(pg_catalog.=) 1000 THEN
            RETURN QUERY SELECT s.id FROM df._start_page(what.graph, what.submitter, page, options) AS s(id);
            page := '{}';
        END IF;
    END LOOP;
    RETURN QUERY SELECT s.id FROM df._start_page(what.graph, what.submitter, page, options) AS s(id);
END
$$;
COMMENT ON FUNCTION df.start_many(text, text, jsonb) IS
    'Starts one instance of a workflow for each row of a query, with options: attributes (a value "{column}" is that of the row), vars, timeout or deadline, queue, key, priority, start_at or delay, dedup, on_duplicate (key and dedup may hold {column}).';

CREATE OR REPLACE FUNCTION df._check_many(fut text, items text, options jsonb, OUT graph text, OUT submitter oid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    what record;
BEGIN
    IF NOT has_function_privilege('df.start_many(text, text)', 'EXECUTE') THEN
        RAISE EXCEPTION 'permission denied for function start_many' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM df._check_start_options(options);
    IF options ? 'idempotency_key' THEN
        RAISE EXCEPTION 'option idempotency_key is one for df.start(): df.start_many() starts an instance for each row'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    what := df._check_many(fut, items);
    PERFORM df._check_sections('df.start_many', what.graph, options ->> 'queue');
    submitter := what.submitter;
    graph := df._with_deadline(what.graph, options);
    IF graph <> what.graph THEN
        PERFORM df._check_graph(graph);
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_many(text, text, jsonb) IS 'Internal: checks the arguments of df.start_many, and its caller.';

CREATE OR REPLACE FUNCTION df._filled_attributes(attributes jsonb, item jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT jsonb_object_agg(v.key, v.value) FILTER (WHERE v.value <> 'null')
FROM (SELECT a.key, CASE WHEN a.text ~ '^\{[^{}]+\}$' AND item ? btrim(a.text, '{}') THEN item -> btrim(a.text, '{}') ELSE a.value END AS value
      FROM (SELECT e.key, e.value, CASE WHEN jsonb_typeof(e.value) = 'string' THEN e.value #>> '{}' END AS text
            FROM jsonb_each(attributes) AS e) AS a) AS v
$$;
COMMENT ON FUNCTION df._filled_attributes(jsonb, jsonb) IS 'Internal: attributes for one row of df.start_many, NULL for none.';

-- What begins later, or in a queue, is started one by one.
CREATE OR REPLACE FUNCTION df._start_page(graph text, submitter oid, items jsonb[], options jsonb) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    ids text[];
    attributes CONSTANT jsonb := options -> 'attributes';
    given CONSTANT jsonb := coalesce(options -> 'vars', '{}');
    item jsonb;
    captured jsonb;
BEGIN
    IF options ?| df._hold_options() THEN
        FOREACH item IN ARRAY items LOOP
            captured := df._start_vars(submitter, jsonb_build_object('vars', (
                SELECT coalesce(jsonb_object_agg(v.key, v.value), '{}') FROM jsonb_each(given || item) AS v WHERE v.value <> 'null')));
            RETURN NEXT df._start_held(graph, NULL, submitter, NULL, captured, NULL, df._filled_options(
                CASE WHEN attributes IS NULL THEN options
                     ELSE options || jsonb_build_object('attributes', coalesce(df._filled_attributes(attributes, item), '{}')) END,
                coalesce(captured, '{}')));
        END LOOP;
        RETURN;
    END IF;
    ids := ARRAY(SELECT s FROM df._start_page(graph, submitter, ARRAY(
        SELECT given || i.item FROM unnest(items) WITH ORDINALITY AS i(item, place) ORDER BY i.place)) AS s);
    IF attributes IS NOT NULL THEN
        INSERT INTO df._attributes (instance_id, submitted_by, attributes)
        SELECT n.id, submitter::regrole, o.attributes
        FROM unnest(ids, items) WITH ORDINALITY AS n(id, item, place)
        CROSS JOIN LATERAL (SELECT df._filled_attributes(attributes, n.item) AS attributes) AS o
        WHERE o.attributes IS NOT NULL
        ORDER BY n.place;
    END IF;
    RETURN QUERY SELECT unnest(ids);
END
$$;
COMMENT ON FUNCTION df._start_page(text, oid, jsonb[], jsonb) IS 'Internal: the same with options.';

---------------------------------------------------------------------------------------------------------------------
-- Filters
---------------------------------------------------------------------------------------------------------------------

-- A new key is a line here, and nothing else: its kind of value (text, texts, time, object, count), and its meaning for an
-- instance i, with the filter as $1. A list of texts stands for any of them.
CREATE OR REPLACE FUNCTION df._filter_keys() RETURNS TABLE (key text, takes text, condition text)
LANGUAGE sql IMMUTABLE ROWS 20
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $fn$
VALUES
    ('attributes', 'object', $$EXISTS (SELECT FROM df._attributes t WHERE t.instance_id = i.id AND t.attributes @> ($1 -> 'attributes'))$$),
    ('definition', 'text', $$i.id IN (SELECT c.child_id FROM df.children c WHERE c.name = $1 ->> 'definition')$$),
    ('ended_after', 'time', $$df._ended_at(i.status, i.completed_at, i.updated_at) >= ($1 ->> 'ended_after')::timestamptz$$),
    ('ended_before', 'time', $$df._ended_at(i.status, i.completed_at, i.updated_at) < ($1 ->> 'ended_before')::timestamptz$$),
    ('error', 'text', $$i.status = 'failed' AND strpos(lower(i.output), lower($1 ->> 'error')) > 0$$),
    ('ids', 'texts', $$i.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1 -> 'ids')))$$),
    ('label', 'text', $$i.label = $1 ->> 'label'$$),
    ('limit', 'count', NULL),
    ('queue', 'text', $$EXISTS (SELECT FROM df._queued_starts q WHERE q.instance_id = i.id AND q.queue = $1 ->> 'queue')$$),
    ('role', 'text', $$i.submitted_by = (SELECT to_regrole(quote_ident($1 ->> 'role')))$$),
    ('schedule', 'text', $$i.id IN (SELECT r.instance_id FROM df.schedule_runs r WHERE r.schedule = $1 ->> 'schedule')$$),
    ('started_after', 'time', $$i.created_at >= ($1 ->> 'started_after')::timestamptz$$),
    ('started_before', 'time', $$i.created_at < ($1 ->> 'started_before')::timestamptz$$),
    ('status', 'texts', $$i.status = ANY (ARRAY(SELECT jsonb_array_elements_text($1 -> 'status')))$$)
$fn$;
COMMENT ON FUNCTION df._filter_keys() IS 'Internal: the keys of a filter for instances, and their meaning.';

-- No SET clause: it is inlined, and called for each of a million rows.
CREATE OR REPLACE FUNCTION df._ended_at(status text, completed_at timestamptz, updated_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
AS $$
SELECT CASE WHEN status OPERATOR(pg_catalog.=) ANY ('{completed,failed,cancelled}'::pg_catalog.text[]) THEN coalesce(completed_at, updated_at) END
$$;
COMMENT ON FUNCTION df._ended_at(text, timestamptz, timestamptz) IS 'Internal: the end of an instance; NULL when it has not ended.';

CREATE OR REPLACE FUNCTION df._check_filter(function_name text, filter jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    known text[] := ARRAY(SELECT k.key FROM df._filter_keys() AS k ORDER BY k.key);
    member record;
    cleaned jsonb := '{}';
BEGIN
    PERFORM df._require(0, 'filter', filter IS NOT NULL);
    IF jsonb_typeof(filter) <> 'object' THEN
        RAISE EXCEPTION '%: filter must be a JSON object, not %', function_name, jsonb_typeof(filter)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"status": "failed", "attributes": {"customer": 7}}.';
    ELSIF octet_length(filter::text) > 1048576 THEN
        RAISE EXCEPTION '%: filter has % bytes, more than 1048576', function_name, octet_length(filter::text)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR member IN SELECT f.key, f.value, k.takes, jsonb_typeof(f.value) AS kind
                  FROM jsonb_each(filter) AS f LEFT JOIN df._filter_keys() AS k ON k.key = f.key LOOP
        IF member.takes IS NULL THEN
            RAISE EXCEPTION '%: there is no filter "%"', function_name, left(member.key, 100)
                USING ERRCODE = 'invalid_parameter_value', HINT = format('There are %s.', array_to_string(known, ', '));
        ELSIF member.takes = 'texts' AND member.kind = 'string' THEN
            member.value := jsonb_build_array(member.value);
        ELSIF NOT (CASE member.takes WHEN 'text' THEN member.kind = 'string' WHEN 'time' THEN member.kind = 'string'
                  WHEN 'object' THEN member.kind = 'object' WHEN 'count' THEN member.kind = 'number'
                  WHEN 'texts' THEN member.kind = 'array' AND NOT member.value @? '$[*] ? (@.type() != "string")' END) THEN
            RAISE EXCEPTION '%: filter "%" must be %, not %', function_name, member.key,
                    CASE member.takes WHEN 'object' THEN 'a JSON object' WHEN 'time' THEN 'a time' WHEN 'count' THEN 'a whole number'
                        WHEN 'texts' THEN 'a string or an array of strings' ELSE 'a string' END, left(member.value::text, 100)
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF member.takes = 'time' THEN
            BEGIN
                member.value := to_jsonb((member.value #>> '{}')::timestamptz);
            EXCEPTION WHEN data_exception THEN
                RAISE EXCEPTION '%: filter "%" must be a time: %', function_name, member.key, sqlerrm USING ERRCODE = 'invalid_parameter_value';
            END;
        ELSIF member.takes = 'count' AND (member.value #>> '{}' ~ '^[0-9]{1,9}$' AND member.value > '0') IS NOT TRUE THEN
            RAISE EXCEPTION '%: filter "%" must be a whole number from 1 to 999999999, not %', function_name, member.key, member.value
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF member.key = 'status' AND EXISTS (SELECT FROM jsonb_array_elements_text(member.value) AS s
                WHERE s NOT IN ('pending', 'running', 'completed', 'failed', 'cancelled')) THEN
            RAISE EXCEPTION '%: there is no status %', function_name, (
                    SELECT quote_literal(left(s, 100)) FROM jsonb_array_elements_text(member.value) AS s
                    WHERE s NOT IN ('pending', 'running', 'completed', 'failed', 'cancelled') LIMIT 1)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It is pending, running, completed, failed or cancelled.';
        ELSIF member.key = 'role' AND to_regrole(quote_ident(member.value #>> '{}')) IS NULL THEN
            RAISE EXCEPTION '%: there is no role %', function_name, quote_literal(left(member.value #>> '{}', 100))
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        -- Every instance contains nothing.
        IF NOT (member.key = 'attributes' AND member.value = '{}') THEN
            cleaned := cleaned || jsonb_build_object(member.key, member.value);
        END IF;
    END LOOP;
    RETURN cleaned;
END
$$;
COMMENT ON FUNCTION df._check_filter(text, jsonb) IS 'Internal: a filter whose keys and values make sense.';

-- The entry with the fewest instances leads: no more of each are counted than tell them apart.
CREATE OR REPLACE FUNCTION df._leading_entry(filter jsonb) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    entries text[];
BEGIN
    IF NOT filter ? 'attributes' THEN
        RETURN NULL;
    END IF;
    entries := ARRAY(SELECT e FROM df._entries_of(filter -> 'attributes') AS e LIMIT 20);
    IF cardinality(entries) = 1 THEN
        RETURN entries[1];
    END IF;
    RETURN (SELECT e FROM unnest(entries) AS e
            ORDER BY (SELECT count(*) FROM (SELECT FROM df._attribute_entries x WHERE x.entry = e LIMIT 1000) AS y), e LIMIT 1);
END
$$;
COMMENT ON FUNCTION df._leading_entry(jsonb) IS 'Internal: by which entry of the attributes instances are looked for. Called with the settings of its callers.';

-- The text of a query of ids with their times, all of whose words are ours. Parameters: the filter, the leading entry, df._only_of().
CREATE OR REPLACE FUNCTION df._filter_query(filter jsonb, lead_entry text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT concat(CASE WHEN lead_entry IS NULL THEN 'SELECT i.id, i.created_at FROM df.instances i WHERE i.created_at IS NOT NULL'
                       || ' AND ($3 IS NULL OR i.submitted_by = $3)'
                   ELSE 'SELECT i.id, f.created_at FROM df._attribute_entries f JOIN df.instances i ON i.id = f.instance_id WHERE f.entry = $2' END,
    (SELECT string_agg(concat(' AND ', k.condition), '' ORDER BY k.key)
     FROM df._filter_keys() AS k WHERE filter ? k.key AND k.condition IS NOT NULL))
$$;
COMMENT ON FUNCTION df._filter_query(jsonb, text) IS 'Internal: the query that a filter stands for.';

---------------------------------------------------------------------------------------------------------------------
-- Found
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df.find_instances(filter jsonb, after_cursor text DEFAULT NULL, limit_count integer DEFAULT 100)
RETURNS TABLE (instance_id text, label text, status text, role text, attributes jsonb, created_at timestamptz, started_at timestamptz,
    ended_at timestamptz, output text, next_cursor text)
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
-- Whatever the planner believes of a filter: a page is read along an index, and no further than it reaches.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    cleaned jsonb;
    lead_entry text;
    after record;
    most bigint;
    cap bigint := df._setting('list_instances_max_limit', '1000')::bigint;
BEGIN
    cleaned := df._check_filter('df.find_instances', filter);
    PERFORM df._require(2, 'limit_count', limit_count IS NOT NULL);
    IF limit_count NOT BETWEEN 1 AND cap THEN
        RAISE EXCEPTION 'df.find_instances: limit_count must be between 1 and %, not %', cap, limit_count
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The next page begins behind next_cursor. The limit is a row of df.settings: list_instances_max_limit.';
    END IF;
    BEGIN
        after := df._read_cursor(after_cursor);
    EXCEPTION WHEN invalid_parameter_value THEN
        RAISE EXCEPTION 'df.find_instances: invalid after_cursor' USING ERRCODE = 'invalid_parameter_value';
    END;
    most := least(limit_count, (cleaned ->> 'limit')::bigint);
    lead_entry := df._leading_entry(cleaned);
    RETURN QUERY EXECUTE concat(
        'WITH page AS MATERIALIZED (SELECT q.id, q.created_at, row_number() OVER (ORDER BY q.created_at DESC, q.id) AS place FROM (',
        df._filter_query(cleaned, lead_entry),
        CASE WHEN after.id IS NOT NULL THEN concat(' AND ', CASE WHEN lead_entry IS NULL THEN 'i' ELSE 'f' END, '.created_at <= $4 AND (',
            CASE WHEN lead_entry IS NULL THEN 'i.created_at < $4 OR i.id' ELSE 'f.created_at < $4 OR f.instance_id' END, ' > $5)') END,
        ' ORDER BY ', CASE WHEN lead_entry IS NULL THEN 'i.created_at DESC, i.id' ELSE 'f.created_at DESC, f.instance_id' END,
        ' LIMIT $6 + 1) AS q) '
        -- One more than asked for tells whether there is another page.
        'SELECT i.id::text, i.label, i.status, i.submitted_by::text, '
        '(SELECT t.attributes FROM df._attributes t WHERE t.instance_id = i.id), i.created_at, i.started_at, '
        'df._ended_at(i.status, i.completed_at, i.updated_at), df._output(i.status, i.output, i.cancel_reason), '
        '(SELECT encode(convert_to(concat(''v1|'', to_char(l.created_at, ''YYYY-MM-DD"T"HH24:MI:SS.USOF''), ''|'', l.id), ''UTF8''), ''hex'') '
        'FROM page l WHERE l.place = $6 AND (SELECT count(*) FROM page) > $6) '
        'FROM page p JOIN df.instances i ON i.id = p.id WHERE p.place <= $6 ORDER BY p.place')
    USING cleaned, lead_entry, df._only_of(), after.created_at, after.id, most;
END
$$;
COMMENT ON FUNCTION df.find_instances(jsonb, text, integer) IS
    'Your instances that a filter describes, the newest first, a page at a time: {"attributes", "status", "label", "role", "ids", "error", "started_after", "started_before", "ended_after", "ended_before"}.';

---------------------------------------------------------------------------------------------------------------------
-- Handled in numbers
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._matching(function_name text, filter jsonb, statuses text[], most integer) RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on SET jit = off
AS $$
DECLARE
    cleaned jsonb := df._check_filter(function_name, filter);
    lead_entry text;
    query text;
    found_ids text[];
    total bigint;
BEGIN
    IF most IS NULL OR most < 1 THEN
        RAISE EXCEPTION '%: most must be at least 1, not %', function_name, coalesce(most::text, 'null') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    lead_entry := df._leading_entry(cleaned);
    query := concat(df._filter_query(cleaned, lead_entry), ' AND i.status = ANY ($4)');
    EXECUTE format('SELECT array_agg(q.id::text ORDER BY q.id) FROM (%s ORDER BY i.id LIMIT $5) AS q', query)
        INTO found_ids USING cleaned, lead_entry, df._only_of(), statuses, least(most::bigint + 1, (cleaned ->> 'limit')::bigint);
    IF cardinality(found_ids) > most THEN
        EXECUTE format('SELECT count(*) FROM (%s LIMIT $5) AS q', query) INTO total USING cleaned, lead_entry, df._only_of(), statuses, (cleaned ->> 'limit')::bigint;
        RAISE EXCEPTION '%: % instances match, more than most (%): nothing was done', function_name, greatest(total, cardinality(found_ids)), most
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Narrow the filter, raise most, or work in pages: {"limit": 1000} takes the first 1000.';
    END IF;
    RETURN coalesce(found_ids, '{}');
END
$$;
COMMENT ON FUNCTION df._matching(text, jsonb, text[], integer) IS
    'Internal: the ids of the instances of these statuses that a filter describes, in order; an error when there are more than most.';

-- In the order of their ids, and without waiting for a lock, so that nobody can be waited for in circles: what somebody else has locked
-- is tried again for a moment, since the worker has rows for that long.
CREATE OR REPLACE FUNCTION df._lock_unfinished(ids text[], to_change boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    locked text[] := '{}';
    left_over text[] := ids;
    page text[];
BEGIN
    FOR tries IN 1 .. 10 LOOP
        IF to_change THEN
            page := ARRAY(SELECT i.id::text FROM df.instances i WHERE i.id = ANY (left_over) AND i.status IN ('pending', 'running')
                          ORDER BY i.id FOR NO KEY UPDATE SKIP LOCKED);
        ELSE
            -- What a signal needs of its instance.
            page := ARRAY(SELECT i.id::text FROM df.instances i WHERE i.id = ANY (left_over) AND i.status IN ('pending', 'running')
                          ORDER BY i.id FOR KEY SHARE SKIP LOCKED);
        END IF;
        locked := locked || page;
        EXIT WHEN cardinality(page) = cardinality(left_over);
        left_over := ARRAY(SELECT l.id FROM (SELECT unnest(left_over) AS id EXCEPT SELECT unnest(page)) AS l
                           JOIN df.instances i ON i.id = l.id WHERE i.status IN ('pending', 'running'));
        EXIT WHEN cardinality(left_over) = 0;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN locked;
END
$$;
COMMENT ON FUNCTION df._lock_unfinished(text[], boolean) IS 'Internal: locks the rows of instances that have not ended, and says which it has got.';

CREATE OR REPLACE FUNCTION df.cancel_many(
    filter jsonb, reason text DEFAULT 'Cancelled by user', most integer DEFAULT 1000, OUT done integer, OUT skipped integer)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    found_ids text[] := df._matching('df.cancel_many', filter, '{pending,running}', most);
    locked text[];
BEGIN
    locked := df._lock_unfinished(found_ids, true);
    UPDATE df.instances i SET status = 'cancelled', updated_at = now(), cancel_reason = coalesce(reason, 'Cancelled by user')
    WHERE i.id = ANY (locked) AND i.status IN ('pending', 'running');
    GET DIAGNOSTICS done = ROW_COUNT;
    skipped := cardinality(found_ids) - done;
END
$$;
COMMENT ON FUNCTION df.cancel_many(jsonb, text, integer) IS
    'Cancels the unfinished instances that match a filter, when this transaction commits. Returns how many were cancelled, and how many were skipped because somebody else has locked or ended them. Raises an error, and changes nothing, when more than most match.';

CREATE OR REPLACE FUNCTION df.signal_many(
    filter jsonb, name text, data jsonb DEFAULT '{}', most integer DEFAULT 1000, OUT done integer, OUT skipped integer)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    found_ids text[];
    locked text[];
BEGIN
    PERFORM df._require(1, 'name', signal_many.name IS NOT NULL);
    IF signal_many.name = '' THEN
        RAISE EXCEPTION 'Signal name cannot be empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(signal_many.name) > 1024 OR octet_length(signal_many.data::text) > 1048576 THEN
        RAISE EXCEPTION 'df.signal_many: % more bytes than %', CASE WHEN octet_length(signal_many.name) > 1024 THEN 'the name has' ELSE 'the data has' END,
                CASE WHEN octet_length(signal_many.name) > 1024 THEN 1024 ELSE 1048576 END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Put the data into a table and send the key of its row.';
    END IF;
    found_ids := df._matching('df.signal_many', filter, '{pending,running}', most);
    locked := df._lock_unfinished(found_ids, false);
    INSERT INTO df.signals (instance_id, name, data)
    SELECT n.id, signal_many.name, coalesce(signal_many.data, '{}') FROM unnest(locked) WITH ORDINALITY AS n(id, place) ORDER BY n.place;
    GET DIAGNOSTICS done = ROW_COUNT;
    skipped := cardinality(found_ids) - done;
    IF done > 0 THEN
        PERFORM df._wake_worker();
    END IF;
END
$$;
COMMENT ON FUNCTION df.signal_many(jsonb, text, jsonb, integer) IS
    'Sends a signal to the unfinished instances that match a filter, when this transaction commits. Returns how many were signalled and how many were skipped. Raises an error, and changes nothing, when more than most match.';

CREATE OR REPLACE FUNCTION df.redrive_many(
    filter jsonb, from_node text DEFAULT NULL, vars jsonb DEFAULT NULL, most integer DEFAULT 1000, OUT done integer, OUT skipped integer)
LANGUAGE plpgsql VOLATILE
-- Who lets one of them go on at the same time is not waited for.
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on SET lock_timeout = '100ms'
AS $$
DECLARE
    found_ids text[] := df._matching('df.redrive_many', filter, '{failed,cancelled}', most);
    next_id text;
    refusal text;
BEGIN
    done := 0;
    skipped := 0;
    FOREACH next_id IN ARRAY found_ids LOOP
        BEGIN
            PERFORM df.redrive(next_id, redrive_many.from_node, redrive_many.vars);
            done := done + 1;
        EXCEPTION WHEN lock_not_available OR object_not_in_prerequisite_state THEN
            skipped := skipped + 1;
            refusal := coalesce(refusal, sqlerrm);
        END;
    END LOOP;
    IF refusal IS NOT NULL THEN
        RAISE NOTICE 'df.redrive_many: % of % were skipped; the first one: %', skipped, cardinality(found_ids), refusal;
    END IF;
END
$$;
COMMENT ON FUNCTION df.redrive_many(jsonb, text, jsonb, integer) IS
    'Continues the failed and cancelled instances that match a filter, as df.redrive does. Returns how many go on and how many were skipped. Raises an error, and changes nothing, when more than most match.';
