-- df.map: items as rows, each decided by itself (docs/adr/0160).
--
-- What is decided of an item takes the version after the one that it was decided on, in the item's own row: who comes second finds
-- another version there, after it has waited for the first. Nobody but the owner's functions can lock such a row. Items of
-- an earlier term that may still be committed are among those up to df._maps.opened: who ends a map writes their rows.

---------------------------------------------------------------------------------------------------------------------
-- The builder
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._check_concurrency(max_concurrent integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF (max_concurrent BETWEEN 1 AND 10000) IS NOT TRUE THEN
        RAISE EXCEPTION 'max_concurrent of df.map must be from 1 to 10000, not %', coalesce(max_concurrent::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_concurrency(integer) IS 'Internal: checks how many items are to be worked on at once.';

-- dev.perdure.graph.MapNode has the same rules.
CREATE OR REPLACE FUNCTION df._check_map(item text, max_concurrent integer, batch_size integer, on_failure text, tolerate text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._check_concurrency(max_concurrent);
    IF (item ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$') IS NOT TRUE THEN
        RAISE EXCEPTION 'item of df.map must be a name of letters, digits and underscores, not %', coalesce(quote_literal(item), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (batch_size BETWEEN 1 AND 10000) IS NOT TRUE THEN
        RAISE EXCEPTION 'batch_size of df.map must be from 1 to 10000, not %', coalesce(batch_size::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (on_failure IN ('fail', 'continue', 'tolerate')) IS NOT TRUE THEN
        RAISE EXCEPTION 'on_failure of df.map must be fail, continue or tolerate, not %', coalesce(quote_literal(on_failure), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (on_failure = 'tolerate') <> (tolerate IS NOT NULL) THEN
        RAISE EXCEPTION 'on_failure => ''tolerate'' and tolerate of df.map belong together' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example on_failure => ''tolerate'', tolerate => ''5'', or tolerate => ''2%''.';
    ELSIF tolerate !~ '^([0-9]{1,9}|(100|[0-9]{1,2})(\.[0-9]{1,6})?%)$' OR left(tolerate, 4) = '100.' THEN
        RAISE EXCEPTION 'tolerate of df.map must be a number of items or a percentage, not %', quote_literal(tolerate)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''5'' or ''2%''.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_map(text, integer, integer, text, text) IS 'Internal: checks the configuration of a df.map.';

CREATE OR REPLACE FUNCTION df.map(
    items text, body text, item text DEFAULT 'item', max_concurrent integer DEFAULT 10, batch_size integer DEFAULT 1,
    on_failure text DEFAULT 'fail', tolerate text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $fn$
DECLARE
    name text := (regexp_match(items, '^\s*\$([A-Za-z_][A-Za-z0-9_]*)\s*$'))[1];
BEGIN
    PERFORM df._require(0, 'items', items IS NOT NULL), df._require(1, 'body', body IS NOT NULL),
            df._check_map(item, max_concurrent, batch_size, on_failure, tolerate);
    RETURN concat('{"node_type":"MAP","left_node":', df._as_node(body),
        CASE WHEN name IS NULL THEN concat(',"right_node":', df._as_node(items)) END, ',"query":', to_json(concat(
        '{"items":', coalesce(to_json(name)::text, 'null'), ',"item":', to_json(item), ',"max_concurrent":', max_concurrent,
        ',"batch_size":', batch_size, ',"on_failure":', to_json(on_failure),
        ',"tolerate":', coalesce(to_json(tolerate)::text, 'null'), '}')), '}');
END
$fn$;
COMMENT ON FUNCTION df.map(text, text, text, integer, integer, text, text) IS
    'Runs body once for each row of items (a node, or ''$name'' of an earlier result), max_concurrent of them at once. The body sees the row as $item, $item.column and {sys_ordinal}; with batch_size n it runs once for n rows. The result is one row: total, completed, failed, cancelled; $name.items are the items. on_failure: fail, continue, or tolerate (''5'', ''2%'').';

CREATE OR REPLACE FUNCTION df._map_problem(node_type text, query text, has_right boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $fn$
DECLARE
    config jsonb;
    wrong text;
BEGIN
    IF node_type IS DISTINCT FROM 'MAP' OR query IS NULL THEN
        RETURN NULL;
    END IF;
    config := df._json_object(query);
    IF config IS NULL THEN
        RETURN 'query in MAP must be a JSON config object';
    END IF;
    SELECT m.name INTO wrong
    FROM (VALUES ('item', '{string}'::text[]), ('max_concurrent', '{number}'), ('batch_size', '{number}'), ('on_failure', '{string}'),
                 ('tolerate', '{string,null}'), ('items', '{string,null}')) AS m(name, types)
    WHERE coalesce(jsonb_typeof(config -> m.name), 'null') <> ALL (m.types) LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN format('%s of MAP is not of the right type', wrong);
    ELSIF (config ->> 'items' IS NOT NULL) = has_right THEN
        RETURN 'MAP has either a node whose rows are its items (right_node), or items';
    ELSIF config ->> 'items' !~ '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        RETURN 'items of MAP is not the name of a result';
    ELSIF config ->> 'max_concurrent' !~ '^[0-9]{1,9}$' OR config ->> 'batch_size' !~ '^[0-9]{1,9}$' THEN
        RETURN 'max_concurrent and batch_size of MAP must be whole numbers';
    END IF;
    PERFORM df._check_map(config ->> 'item', (config ->> 'max_concurrent')::integer, (config ->> 'batch_size')::integer,
        config ->> 'on_failure', config ->> 'tolerate');
    RETURN NULL;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN sqlerrm;
END
$fn$;
COMMENT ON FUNCTION df._map_problem(text, text, boolean) IS
    'Internal: the problem of the configuration of a MAP; NULL for none, and for other nodes.';

---------------------------------------------------------------------------------------------------------------------
-- Items are written down
---------------------------------------------------------------------------------------------------------------------

-- p_rows: the document of a result. p_total: NULL as long as more follow. Called with the settings of its callers.
CREATE OR REPLACE FUNCTION df._add_items(
    p_subject text, p_node text, p_stamp text, p_first bigint, p_columns text, p_rows text, p_total bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_map bigint;
    v_most CONSTANT integer := 1048576;
    v_large record;
BEGIN
    -- What has ended meanwhile begins no map any more.
    IF p_first = 1 AND EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = left(p_subject, 8))
        AND (strpos(p_subject, '.') = 0 OR EXISTS (
            SELECT FROM df._map_items i
            WHERE i.map_id = split_part(p_subject, '.', 2)::bigint AND i.ordinal = split_part(p_subject, '.', 3)::bigint AND i.status = 'pending'))
    THEN
        INSERT INTO df._maps (instance_id, subject, node_id, execution_id, generation, columns)
        SELECT left(p_subject, 8), p_subject, p_node, p_stamp, 1 + coalesce(max(m.generation), 0), p_columns
        FROM df._maps m WHERE m.instance_id = left(p_subject, 8) AND m.node_id = p_node
        ON CONFLICT DO NOTHING RETURNING id INTO v_map;
    END IF;
    IF v_map IS NULL THEN
        SELECT m.id INTO v_map FROM df._maps m
        WHERE m.subject = p_subject AND m.node_id = p_node AND m.execution_id = p_stamp AND m.total IS NULL;
        IF v_map IS NULL THEN
            RAISE EXCEPTION 'perdure: instance %, node %: its items are written already, or it has ended', p_subject, p_node USING ERRCODE = 'DF001';
        END IF;
    END IF;
    INSERT INTO df._map_items (map_id, ordinal, item)
    SELECT v_map, p_first + r.ordinality - 1, r.value FROM jsonb_array_elements(p_rows::jsonb -> 'rows') WITH ORDINALITY AS r
    ON CONFLICT DO NOTHING;
    SELECT i.ordinal, octet_length(i.item::text) AS bytes INTO v_large FROM df._map_items i
    WHERE i.map_id = v_map AND i.ordinal >= p_first AND octet_length(i.item::text) > v_most LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item % of df.map has % bytes, at most % are allowed', v_large.ordinal, v_large.bytes, v_most
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Select the key, and read large values in the body.';
    END IF;
    IF p_total IS NOT NULL THEN
        UPDATE df._maps SET total = p_total WHERE id = v_map;
    END IF;
END
$$;
COMMENT ON FUNCTION df._add_items(text, text, text, bigint, text, text, bigint) IS
    'Writes items of a map down, from the ordinal p_first on; with p_total they are complete.';

-- Definer: as df.checkpoint. In the transaction of the step that reads the items.
CREATE OR REPLACE FUNCTION df.checkpoint_map(
    p_token bytea, p_epoch bigint, p_subject text, p_node text, p_stamp text, p_first bigint, p_columns text, p_rows text, p_total bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_epoch bigint;
    v_expected bytea;
BEGIN
    SELECT s.last_value, df._token(e.key, 'F', p_epoch::text, p_subject, p_node, p_stamp, p_first::text,
               quote_ident(session_user)::regrole::oid::text, coalesce(p_columns, ''), p_rows, coalesce(p_total, -1)::text)
    INTO v_epoch, v_expected
    FROM df._epoch_seq s CROSS JOIN df._epoch e;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        PERFORM df._refuse('DF002', p_epoch, v_epoch, p_subject, 0);
    ELSIF p_token IS DISTINCT FROM v_expected THEN
        PERFORM df._refuse('DF003', p_epoch, v_epoch, p_subject, 0);
    END IF;
    PERFORM df._add_items(p_subject, p_node, p_stamp, p_first, p_columns, p_rows, p_total);
END
$$;
COMMENT ON FUNCTION df.checkpoint_map(bytea, bigint, text, text, text, bigint, text, text, bigint) IS
    'Called by the worker in the transaction of the step that reads the items of a df.map: writes the rows that the token authorises.';

CREATE OR REPLACE FUNCTION df._freeze(
    p_epoch bigint, p_subject text, p_node text, p_stamp text, p_first bigint, p_columns text, p_rows text, p_total bigint)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '20ms'
AS $$
DECLARE
    v_answer text := 'ok';
BEGIN
    BEGIN
        PERFORM df._add_items(p_subject, p_node, p_stamp, p_first, p_columns, p_rows, p_total);
    EXCEPTION
        WHEN SQLSTATE 'DF001' THEN
            v_answer := 'stale';
        WHEN lock_not_available OR deadlock_detected THEN
            v_answer := 'locked';
        WHEN assert_failure OR OTHERS THEN
            -- What the decision itself causes (a \u0000, a value out of range, a trigger of the owner's) must not take the others down. What
            -- befalls the server, or the session, is nobody's: it is asked again.
            IF left(SQLSTATE, 2) IN ('08', '25', '28', '40', '53', '55', '57', '58') OR SQLSTATE ~ '^DF00' THEN
                RAISE;
            END IF;
            v_answer := concat('rejected:', SQLSTATE, ':', SQLERRM);
    END;
    PERFORM df._fence(p_epoch);
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION df._freeze(bigint, text, text, text, bigint, text, text, bigint) IS
    'As df.checkpoint_map, for items that are in the worker''s memory; answers as df._write does.';

---------------------------------------------------------------------------------------------------------------------
-- Items are begun
---------------------------------------------------------------------------------------------------------------------

-- By what the node knows of itself, with what has to be known to go on: how many of those that were ever begun have ended.
CREATE OR REPLACE FUNCTION df._map(p_subject text, p_node text, p_stamp text) RETURNS TABLE (
    map_id bigint, generation integer, columns text, total bigint, opened bigint, settled bigint, settled_failed bigint, completed bigint,
    failed bigint, failed_last bigint, error text, code text, failure text, max_concurrent integer)
LANGUAGE plpgsql STABLE STRICT ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT m.id, m.generation, m.columns, m.total, m.opened, m.settled, m.settled_failed,
           m.settled - m.settled_failed + c.completed, m.settled_failed + c.failed, f.ordinal, f.error, f.code, f.failure::text, s.max_concurrent
    FROM df._maps m
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE i.status = 'completed') AS completed, count(*) FILTER (WHERE i.status = 'failed') AS failed
        FROM df._map_items i WHERE i.map_id = m.id AND i.ordinal > m.settled AND i.ordinal <= m.opened) AS c
    -- The failure with which there were too many has not been settled: it is the last thing that its term has counted.
    LEFT JOIN LATERAL (
        SELECT i.ordinal, i.error, i.code, i.failure FROM df._map_items i
        WHERE i.map_id = m.id AND i.ordinal > m.settled AND i.ordinal <= m.opened AND i.status = 'failed'
        ORDER BY i.completed_at DESC, i.ordinal LIMIT 1) AS f ON true
    LEFT JOIN df._map_settings s ON s.map_id = m.id
    WHERE m.subject = p_subject AND m.node_id = p_node AND m.execution_id = p_stamp AND m.total IS NOT NULL;
END
$$;
COMMENT ON FUNCTION df._map(text, text, text) IS
    'An execution of a map whose items are complete, with exact numbers of those that have ended, and the last failure; no row when there is none.';

-- What is known so far is noted along: that all up to p_settled have ended (a part of it, when that is far), and about how many have in
-- all. A locked row of the map is not waited for: then nothing is read.
CREATE OR REPLACE FUNCTION df._open_items(
    p_epoch bigint, p_maps bigint[], p_after bigint[], p_limits integer[], p_bytes bigint, p_large bigint, p_all bigint, p_settled bigint[],
    p_completed bigint[], p_failed bigint[])
RETURNS TABLE (map_id bigint, ordinal bigint, max_concurrent integer, item text, status text, version integer, versions integer[],
    states text[], marks text, completed bigint, failed bigint, opened bigint)
LANGUAGE plpgsql VOLATILE STRICT ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_last bigint;
    v_settled bigint;
    v_completed bigint;
    v_failed bigint;
    v_map record;
    v_item jsonb;
    v_size bigint;
    v_bytes bigint;
    v_all bigint := 0;
    v_is_large boolean;
BEGIN
    FOR k IN 1 .. cardinality(p_maps) LOOP
        IF v_all >= p_all AND p_limits[k] <> 0 THEN
            map_id := p_maps[k];
            status := 'later';
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT m.id, m.instance_id, m.node_id, m.activity, m.opened, m.settled, s.max_concurrent INTO v_map
        FROM df._maps m LEFT JOIN df._map_settings s ON s.map_id = m.id
        WHERE m.id = p_maps[k] AND m.ended_at IS NULL FOR NO KEY UPDATE OF m SKIP LOCKED;
        CONTINUE WHEN v_map.id IS NULL;
        map_id := v_map.id;
        max_concurrent := v_map.max_concurrent;
        v_last := v_map.opened;
        v_bytes := 0;
        v_is_large := false;
        v_completed := NULL;
        v_failed := NULL;
        opened := NULL;
        FOR ordinal, v_item, status, version, versions, states, marks, completed, failed IN
            -- Of items that programs decide those that fit. The size of an item is known when it is unpacked, so those that are far beyond by
            -- their packed size stay packed.
            WITH packed AS (
                SELECT i.ordinal, i.item, i.status, i.version,
                       sum(pg_column_size(i.item) * CASE WHEN pg_column_compression(i.item) IS NULL THEN 1 ELSE 8 END)
                           OVER (ORDER BY i.ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                FROM (SELECT x.ordinal, x.item, x.status, x.version FROM df._map_items x
                      WHERE x.map_id = p_maps[k] AND x.ordinal > p_after[k] AND x.status = 'pending'
                      ORDER BY x.ordinal LIMIT CASE WHEN v_map.activity IS NOT NULL AND p_limits[k] > 0 THEN p_limits[k] ELSE 0 END) AS i),
            sized AS (
                SELECT i.ordinal, i.item, i.status, i.version,
                       CASE WHEN i.before >= p_bytes THEN p_bytes ELSE coalesce(sum(CASE WHEN i.before >= p_bytes THEN 0
                           ELSE octet_length(i.item::text) END) OVER (ORDER BY i.ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) END AS before
                FROM packed i),
            page AS MATERIALIZED (
                SELECT s.ordinal, s.item, s.status, s.version, s.before FROM sized s
                UNION ALL
                (SELECT i.ordinal, i.item, i.status, i.version, 0 FROM df._map_items i
                 WHERE i.map_id = p_maps[k] AND i.ordinal > p_after[k]
                   AND CASE WHEN p_limits[k] < 0 THEN i.ordinal <= p_after[k] - p_limits[k] ELSE i.status = 'pending' END
                 ORDER BY i.ordinal LIMIT CASE WHEN v_map.activity IS NULL OR p_limits[k] < 0 THEN abs(p_limits[k]) ELSE 0 END)),
            -- Programs end items at any time: those that the page passes by, as of the moment of the page.
            passed AS MATERIALIZED (
                SELECT count(*) FILTER (WHERE i.status = 'completed') AS completed, count(*) FILTER (WHERE i.status = 'failed') AS failed
                FROM (SELECT max(g.ordinal) FILTER (WHERE g.before < p_bytes) AS ordinal, count(*) FILTER (WHERE g.before < p_bytes) AS rows
                      FROM page g) AS last
                JOIN df._map_items i ON i.map_id = p_maps[k] AND i.ordinal > p_after[k] AND i.ordinal <= v_map.opened
                    AND (i.ordinal < last.ordinal OR last.rows < p_limits[k] AND last.rows = (SELECT count(*) FROM page))
                WHERE v_map.activity IS NOT NULL AND p_limits[k] > 0 AND p_after[k] < v_map.opened)
            SELECT f.ordinal, f.item, f.status, f.version, c.versions, c.states, r.marks, p.completed, p.failed
            FROM passed p LEFT JOIN page f ON f.before < p_bytes OR p_limits[k] < 0
            LEFT JOIN LATERAL (
                SELECT array_agg(x.version ORDER BY x.version) AS versions, array_agg(x.state::text ORDER BY x.version) AS states
                FROM df._checkpoints x WHERE f.version > 0 AND x.instance_id = concat(v_map.instance_id, '.', p_maps[k], '.', f.ordinal)
            ) AS c ON true
            LEFT JOIN LATERAL (
                SELECT json_agg(json_build_object('node', n.node_id, 'execution_id', n.execution_id, 'attempt', n.attempt,
                           'started_at', n.started_at))::text AS marks
                FROM df._running n WHERE n.instance_id = concat(v_map.instance_id, '.', p_maps[k], '.', f.ordinal)
                    -- As in df._load: a mark counts as long as nothing that is written says more.
                    AND NOT EXISTS (
                        SELECT FROM df._checkpoints x
                        WHERE x.instance_id = n.instance_id AND x.state -> 'nodes' ? n.node_id AND CASE
                            WHEN x.state -> 'nodes' -> n.node_id ->> 'execution_id' = n.execution_id
                            THEN x.state -> 'nodes' -> n.node_id ->> 'status' <> 'running' ELSE x.written_at >= n.marked_at END)
            ) AS r ON true
            ORDER BY f.ordinal
        LOOP
            v_completed := completed;
            v_failed := failed;
            CONTINUE WHEN ordinal IS NULL;
            -- What does not fit any more is not even unpacked.
            EXIT WHEN v_bytes >= p_bytes AND p_limits[k] > 0;
            item := v_item::text;
            v_size := octet_length(item) + coalesce((SELECT sum(octet_length(t.state)) FROM unnest(states) AS t(state)), 0);
            v_all := v_all + v_size;
            v_is_large := v_size > p_large OR p_limits[k] < 0 AND v_bytes + v_size > p_large;
            EXIT WHEN v_is_large;
            v_bytes := v_bytes + v_size;
            v_last := greatest(v_last, ordinal);
            IF status = 'pending' AND states[cardinality(states)]::jsonb -> 'nodes' ? v_map.node_id THEN
                -- It had failed.
                SELECT * INTO versions, states FROM df._again_item(concat(v_map.instance_id, '.', map_id, '.', ordinal), v_map.node_id, version);
                marks := NULL;
            END IF;
            RETURN NEXT;
        END LOOP;
        ordinal := NULL; item := NULL; status := NULL; version := NULL; versions := NULL; states := NULL; marks := NULL;
        IF v_is_large THEN
            status := 'large';
            RETURN NEXT;
            CONTINUE;
        END IF;
        v_settled := least(greatest(v_map.settled, p_settled[k]), v_map.settled + 20000);
        UPDATE df._maps m SET opened = v_last, settled = v_settled,
            settled_failed = m.settled_failed + (SELECT count(*) FROM df._map_items i WHERE i.map_id = p_maps[k]
                AND i.ordinal > v_map.settled AND i.ordinal <= v_settled AND i.status = 'failed'),
            completed = p_completed[k], failed = p_failed[k]
        WHERE m.id = p_maps[k];
        -- That it was looked at, and what df.set_map has set.
        completed := v_completed; failed := v_failed; opened := v_map.opened;
        RETURN NEXT;
    END LOOP;
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._open_items(bigint, bigint[], bigint[], integer[], bigint, bigint, bigint, bigint[], bigint[], bigint[]) IS
    'Pending items behind p_after, so many and of so many bytes for each map (at least one), which are on record as begun; the last row of a map has no ordinal, and says how many that programs decide have ended in between. A negative limit: exactly so many, whatever their status. A map whose row is locked, or that has ended, has no row at all. A last row with the status large: an item has more than p_large bytes, or so many together have, and what came of this map counts as not read; later: the maps before it had p_all bytes already.';

---------------------------------------------------------------------------------------------------------------------
-- Items are decided
---------------------------------------------------------------------------------------------------------------------

-- p_also as of df._also, with "item": {"result", "error", "code", "failure", "attempt"} of one that ends, and "last" of a batch. Of a step
-- that failed before its item did (another branch of a JOIN went on), its own checkpoint knows more. Called with the settings of its callers.
CREATE OR REPLACE FUNCTION df._decide_item(p_item text, p_version integer, p_state jsonb, p_also jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_map CONSTANT bigint := split_part(p_item, '.', 2)::bigint;
    v_first CONSTANT bigint := split_part(p_item, '.', 3)::bigint;
    v_last CONSTANT bigint := coalesce((p_also ->> 'last')::bigint, v_first);
    v_end CONSTANT text := p_also -> 'end' ->> 'status';
    v_rows bigint;
BEGIN
    UPDATE df._map_items i SET version = p_version,
        status = CASE v_end WHEN 'completed' THEN 'completed' WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'cancelled'
                 ELSE i.status END,
        attempt = coalesce((p_also -> 'item' ->> 'attempt')::integer, i.attempt),
        result = p_also -> 'item' -> 'result', error = p_also -> 'item' ->> 'error', code = p_also -> 'item' ->> 'code',
        failure = CASE WHEN p_also -> 'item' ? 'failure' THEN coalesce((
            SELECT jsonb_strip_nulls(jsonb_build_object('executed_query', n.e -> 'executed_query', 'params', n.e -> 'params',
                       'detail', n.e -> 'detail', 'hint', n.e -> 'hint', 'position', n.e -> 'position', 'step', n.e -> 'step'))
            FROM df._checkpoints c CROSS JOIN LATERAL (SELECT c.state -> 'nodes' -> (p_also -> 'item' -> 'failure' ->> 'node')) AS n(e)
            WHERE p_version > 1 AND c.instance_id = p_item AND n.e ->> 'status' = 'failed' ORDER BY c.version DESC LIMIT 1), '{}')
            || (p_also -> 'item' -> 'failure') END,
        started_at = coalesce(i.started_at, (p_also -> 'end' ->> 'started_at')::timestamptz),
        completed_at = CASE WHEN v_end IS NOT NULL THEN clock_timestamp() END
    WHERE i.map_id = v_map AND i.ordinal BETWEEN v_first AND v_last AND i.version = p_version - 1 AND i.status = 'pending';
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows <> v_last - v_first + 1 THEN
        RAISE EXCEPTION 'perdure: item %: stale checkpoint, version % is taken', p_item, p_version USING ERRCODE = 'DF001';
    END IF;
    IF v_end IS NOT NULL THEN
        IF p_state <> '{}' THEN
            -- Of one that has not completed: df.redrive lets it go on behind what it has done.
            INSERT INTO df._checkpoints (instance_id, version, bytes, state)
            VALUES (p_item, p_version, octet_length(p_state::text), p_state);
        ELSIF p_version > 1 THEN
            DELETE FROM df._checkpoints WHERE instance_id = p_item;
        END IF;
        IF p_also ? 'marked' AND current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM df._running WHERE instance_id = p_item;
        END IF;
        IF p_also ?| '{signals,maps,waits,activities}' THEN
            PERFORM df._also(p_item, p_version, p_also - '{end,marked,superseded,cancelled,wake_at,execution}'::text[]);
        END IF;
    ELSE
        INSERT INTO df._checkpoints (instance_id, version, bytes, state)
        VALUES (p_item, p_version, octet_length(p_state::text), p_state);
        PERFORM df._also(p_item, p_version, p_also - '{wake_at,cancelled,execution}'::text[]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._decide_item(text, integer, jsonb, jsonb) IS
    'Takes a version of an item and writes the decision; raises DF001 when it was made on another version.';

CREATE OR REPLACE FUNCTION df.checkpoint_item(
    p_token bytea, p_epoch bigint, p_item text, p_version integer, p_state text, p_also text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_epoch bigint;
    v_problem text;
    v_receipt text;
    v_nothing text;
BEGIN
    v_nothing := concat(set_config('synchronous_commit', 'on', true),
        CASE WHEN current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '30s'
             THEN set_config('lock_timeout', '30s', true) END);
    -- Authorised before the row is touched: until then nothing of the text is believed.
    SELECT s.last_value,
           CASE WHEN s.last_value IS DISTINCT FROM p_epoch THEN 'DF002'
                WHEN p_token IS DISTINCT FROM df._token(e.key, 'C', p_epoch::text, p_item, p_version::text,
                    quote_ident(session_user)::regrole::oid::text, p_state, coalesce(p_also, ''))
                    THEN 'DF003' END,
           concat(encode(sha256(e.key || p_token), 'hex'),
                CASE WHEN EXISTS (SELECT FROM pg_prepared_statement() p WHERE p.from_sql) THEN ':prepared' END,
                CASE WHEN x.instance_id IS NOT NULL THEN ':cancelled' END,
                -- Nothing, with what the item has written on other nodes (R__33_two_phase.sql).
                CASE WHEN to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN df._in_two_phases() END)
    INTO v_epoch, v_problem, v_receipt
    FROM df._epoch_seq s CROSS JOIN df._epoch e LEFT JOIN df._cancels x ON x.instance_id = left(p_item, 8);
    IF v_problem IS NULL AND v_receipt IS NOT NULL THEN
        PERFORM df._decide_item(p_item, p_version, p_state::jsonb, coalesce(p_also, '{}')::jsonb);
        -- Once more behind it: a term that begins from here on meets the row.
        v_epoch := (SELECT s.last_value FROM df._epoch_seq s);
        v_problem := CASE WHEN v_epoch IS DISTINCT FROM p_epoch THEN 'DF002' END;
    END IF;
    IF v_problem IS NOT NULL OR v_receipt IS NULL THEN
        PERFORM df._refuse(coalesce(v_problem, 'DF002'), p_epoch, v_epoch, p_item, p_version);
    END IF;
    IF current_setting('df.told', true) <> '' THEN
        PERFORM df._tell(left(p_item, 8), current_setting('df.told'));
    END IF;
    RETURN v_receipt;
END
$$;
COMMENT ON FUNCTION df.checkpoint_item(bytea, bigint, text, integer, text, text) IS
    'As df.checkpoint, for an item of a df.map.';

-- Several items of one statement each, which shared a transaction: [{"first", "last", "result", "attempt", "started_at"}, …].
CREATE OR REPLACE FUNCTION df.checkpoint_items(p_token bytea, p_epoch bigint, p_map text, p_done text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_epoch bigint;
    v_problem text;
    v_receipt text;
    v_nothing text;
    v_map CONSTANT bigint := split_part(p_map, '.', 2)::bigint;
    v_done record;
    v_count bigint;
    v_rows bigint;
    v_wanted bigint;
BEGIN
    v_nothing := concat(set_config('synchronous_commit', 'on', true),
        CASE WHEN current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '30s'
             THEN set_config('lock_timeout', '30s', true) END);
    SELECT s.last_value,
           CASE WHEN s.last_value IS DISTINCT FROM p_epoch THEN 'DF002'
                WHEN p_token IS DISTINCT FROM df._token(e.key, 'I', p_epoch::text, p_map,
                    quote_ident(session_user)::regrole::oid::text, p_done)
                    THEN 'DF003'
                WHEN x.instance_id IS NOT NULL THEN 'DF005' END,
           concat(encode(sha256(e.key || p_token), 'hex'),
                CASE WHEN EXISTS (SELECT FROM pg_prepared_statement() p WHERE p.from_sql) THEN ':prepared' END,
                CASE WHEN to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN df._in_two_phases() END)
    INTO v_epoch, v_problem, v_receipt
    FROM df._epoch_seq s CROSS JOIN df._epoch e LEFT JOIN df._cancels x ON x.instance_id = left(p_map, 8);
    IF v_problem IS NULL AND v_receipt IS NOT NULL THEN
        v_wanted := 0;
        v_rows := 0;
        -- One by one: nothing that the planner believes about the size of the table makes it read all items of the map.
        FOR v_done IN SELECT * FROM jsonb_to_recordset(p_done::jsonb)
                          AS d(first bigint, last bigint, result jsonb, attempt integer, started_at timestamptz) LOOP
            UPDATE df._map_items i SET version = 1, status = 'completed', attempt = v_done.attempt, result = v_done.result,
                started_at = v_done.started_at, completed_at = clock_timestamp()
            WHERE i.map_id = v_map AND i.ordinal BETWEEN v_done.first AND v_done.last AND i.version = 0 AND i.status = 'pending';
            GET DIAGNOSTICS v_count = ROW_COUNT;
            v_rows := v_rows + v_count;
            v_wanted := v_wanted + v_done.last - v_done.first + 1;
        END LOOP;
        v_epoch := (SELECT s.last_value FROM df._epoch_seq s);
        v_problem := CASE WHEN v_epoch IS DISTINCT FROM p_epoch THEN 'DF002' WHEN v_rows IS DISTINCT FROM v_wanted THEN 'DF001' END;
    END IF;
    IF v_problem IS NOT NULL OR v_receipt IS NULL THEN
        PERFORM df._refuse(coalesce(v_problem, 'DF002'), p_epoch, v_epoch, left(p_map, 8), 1);
    END IF;
    IF current_setting('df.told', true) <> '' THEN
        PERFORM df._tell(left(p_map, 8), current_setting('df.told'));
    END IF;
    RETURN v_receipt;
END
$$;
COMMENT ON FUNCTION df.checkpoint_items(bytea, bigint, text, text) IS
    'Called by the worker in the transaction of items of a df.map that consist of one statement each: they are completed, with the rows that the token authorises.';

-- What the owner decides of an item, for df._write.
CREATE OR REPLACE FUNCTION df._write_item(p_item text, p_version integer, p_state text, p_also text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM df._decide_item(p_item, p_version, p_state::jsonb, coalesce(p_also, '{}')::jsonb);
    RETURN 'ok';
END
$$;
COMMENT ON FUNCTION df._write_item(text, integer, text, text) IS 'A decision of the owner on an item. Called with the settings of its callers.';

-- Items that programs decide. Only a COMMIT that is under way, or prepared, holds one: where those may be another role's, they are left to it.
CREATE OR REPLACE FUNCTION df._take_items(p_map bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET lock_timeout = '20ms'
AS $$
BEGIN
    UPDATE df._map_items i SET status = 'cancelled', version = i.version + 1, completed_at = clock_timestamp()
    FROM df._maps m
    WHERE m.id = p_map AND i.map_id = m.id AND i.ordinal > m.settled AND i.ordinal <= m.opened AND i.status = 'pending';
EXCEPTION WHEN lock_not_available THEN
    IF NOT EXISTS (SELECT FROM df._maps m JOIN df.instances n ON n.id = m.instance_id
                   JOIN df._activity_grants g ON g.kind = m.activity ->> 'kind' AND g.owner = n.submitted_by WHERE m.id = p_map) THEN
        RAISE;
    END IF;
    UPDATE df._map_items i SET status = 'cancelled', version = i.version + 1, completed_at = clock_timestamp()
    FROM (SELECT x.ordinal FROM df._maps m JOIN df._map_items x ON x.map_id = m.id AND x.ordinal > m.settled AND x.ordinal <= m.opened
          WHERE m.id = p_map AND x.status = 'pending' FOR UPDATE OF x SKIP LOCKED) AS f
    WHERE i.map_id = p_map AND i.ordinal = f.ordinal;
END
$$;
COMMENT ON FUNCTION df._take_items(bigint) IS 'Internal: cancels items of a map that are activities.';

-- [{"node", "execution_id"}, …]: executions of maps of one subject that end with a decision (node *: whatever there are), and those below
-- them. Items that may be in flight, of this term or an earlier one, are taken from every later commit.
CREATE OR REPLACE FUNCTION df._end_maps(p_subject text, p_maps jsonb, p_exact boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    v_ids := ARRAY(
        WITH RECURSIVE ending AS (
            SELECT m.id FROM df._maps m JOIN jsonb_to_recordset(p_maps) AS e(node text, execution_id text)
                ON m.node_id = e.node AND m.execution_id = e.execution_id OR e.node = '*'
            WHERE m.subject = p_subject AND m.ended_at IS NULL
            UNION
            SELECT b.id FROM ending a JOIN df._maps b ON b.instance_id = left(p_subject, 8) AND b.ended_at IS NULL
                AND split_part(b.subject, '.', 2) = a.id::text)
        SELECT id FROM ending);
    -- Behind this nothing more of them is opened.
    PERFORM FROM df._maps m WHERE m.id = ANY (v_ids) ORDER BY m.id FOR NO KEY UPDATE;
    UPDATE df._map_items i SET status = 'cancelled', version = i.version + 1, completed_at = clock_timestamp()
    FROM df._maps m
    WHERE m.id = ANY (v_ids) AND m.activity IS NULL AND i.map_id = m.id AND i.ordinal > m.settled AND i.ordinal <= m.opened
        AND i.status = 'pending';
    PERFORM df._take_items(m.id) FROM df._maps m WHERE m.id = ANY (v_ids) AND m.activity IS NOT NULL;
    UPDATE df._maps m SET ended_at = clock_timestamp(), completed = m.settled - m.settled_failed + c.completed,
        failed = m.settled_failed + c.failed
    FROM df._maps n CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE i.status = 'completed') AS completed, count(*) FILTER (WHERE i.status = 'failed') AS failed
        FROM df._map_items i WHERE i.map_id = n.id AND i.ordinal > n.settled AND i.ordinal <= n.opened) AS c
    WHERE n.id = ANY (v_ids) AND m.id = n.id;
    PERFORM df._end_calls(p_subject, p_maps, v_ids);
    PERFORM df._end_sections(p_subject, p_maps, v_ids);
    PERFORM df._end_activities(p_subject, p_maps, v_ids, p_exact);
END
$$;
COMMENT ON FUNCTION df._end_maps(text, jsonb, boolean) IS
    'Ends executions of maps, calls, sections and activities: their pending items and children are cancelled, their slots are free. Called with the settings of its callers.';

-- An item that had failed goes on, under stamps that no run of it has had before: what its body has completed stays. Maps in it that are in
-- the middle do, too.
CREATE OR REPLACE FUNCTION df._again_item(p_item text, p_map_node text, p_version integer, OUT versions integer[], OUT states text[])
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_inner bigint[];
BEGIN
    WITH kept AS MATERIALIZED (
        SELECT r.version, r.state
        FROM df.instances i CROSS JOIN LATERAL df._rewound(p_item, i.root_node, i.graph, NULL, p_item, p_version + 1, NULL, NULL, p_map_node) AS r
        WHERE i.id = left(p_item, 8)
    ), gone AS (
        DELETE FROM df._checkpoints c WHERE c.instance_id = p_item AND c.version NOT IN (SELECT k.version FROM kept k)
    ), changed AS (
        UPDATE df._checkpoints c SET state = k.state, bytes = octet_length(k.state::text)
        FROM kept k WHERE c.instance_id = p_item AND c.version = k.version
    )
    SELECT array_agg(k.version ORDER BY k.version), array_agg(k.state::text ORDER BY k.version) INTO versions, states FROM kept k;
    DELETE FROM df._running r WHERE r.instance_id = p_item;
    v_inner := df._maps_in_the_middle(p_item);
    PERFORM df._reopen(v_inner), df._tell_again(p_item, (
        SELECT jsonb_object_agg(e.node_id, e.entry) FROM df._entries(p_item) AS e
        WHERE e.entry ->> 'status' = 'running' AND e.entry -> 'bindings' ? 'child'));
END
$$;
COMMENT ON FUNCTION df._again_item(text, text, integer) IS
    'Lets an item that had failed go on; the checkpoints that are left of it. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._maps_in_the_middle(p_subject text) RETURNS bigint[]
LANGUAGE sql STABLE
AS $$
SELECT ARRAY(
    SELECT DISTINCT ON (m.node_id) m.id
    FROM df._maps m JOIN df._checkpoints c ON c.instance_id = m.subject CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS n
    WHERE m.subject = p_subject AND n.key = m.node_id AND n.value ->> 'status' = 'running'
    ORDER BY m.node_id, m.generation DESC)
$$;
COMMENT ON FUNCTION df._maps_in_the_middle(text) IS
    'The latest executions of the maps of an instance or item whose nodes are running. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._reopen(p_maps bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF cardinality(p_maps) > 0 THEN
        UPDATE df._maps m SET ended_at = NULL, settled = 0, settled_failed = 0, failed = 0,
            execution_id = coalesce((SELECT n.value ->> 'execution_id' FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS n
                                     WHERE c.instance_id = m.subject AND n.key = m.node_id AND n.value ->> 'status' = 'running'
                                     ORDER BY c.version DESC LIMIT 1), m.execution_id)
        WHERE m.id = ANY (p_maps);
        UPDATE df._map_items i SET status = 'pending', result = NULL, error = NULL, code = NULL, failure = NULL, started_at = NULL, completed_at = NULL
        WHERE i.map_id = ANY (p_maps) AND i.status IN ('failed', 'cancelled');
    END IF;
END
$$;
COMMENT ON FUNCTION df._reopen(bigint[]) IS
    'Maps go on: their items that have not completed are pending. Called with the settings of its callers.';

-- An instance goes on (df.redrive): of the maps that are in the middle, items that have completed stay, those that were cancelled go on from
-- where they were, and those that had failed do so when they are opened (df._again_item), with the maps in them. The stamp of such a map is
-- that of its node.
CREATE OR REPLACE FUNCTION df._reopen_maps(p_instance text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM df._maps m WHERE m.instance_id = p_instance) THEN
        RETURN;
    END IF;
    v_ids := ARRAY(
        WITH RECURSIVE going AS (
            SELECT unnest(df._maps_in_the_middle(p_instance)) AS id
            UNION
            SELECT b.id FROM going g JOIN df._maps b ON b.instance_id = p_instance AND split_part(b.subject, '.', 2) = g.id::text
            JOIN df._map_items i ON i.map_id = g.id AND i.ordinal = split_part(b.subject, '.', 3)::bigint
                AND i.status IN ('pending', 'cancelled'))
        SELECT id FROM going);
    PERFORM df._reopen(v_ids);
END
$$;
COMMENT ON FUNCTION df._reopen_maps(text) IS
    'Lets maps go on whose nodes do. Called with the settings of its callers.';

---------------------------------------------------------------------------------------------------------------------
-- What people see and set
---------------------------------------------------------------------------------------------------------------------

-- As df.nodes: with the rights of its owner and the condition of instances_user_isolation in it.
CREATE OR REPLACE VIEW df.map_items WITH (security_barrier) AS
SELECT m.instance_id, m.node_id, m.generation, i.ordinal, i.item,
       CASE WHEN i.status <> 'pending' THEN i.status
            WHEN m.ended_at IS NOT NULL THEN 'cancelled'
            WHEN i.version > 0 OR EXISTS (SELECT FROM df._running r
                WHERE r.instance_id = concat(m.instance_id, '.', m.id, '.', i.ordinal))
                OR m.activity IS NOT NULL AND EXISTS (SELECT FROM df._activities a WHERE a.map_id = m.id AND a.ordinal = i.ordinal) THEN 'running'
            ELSE 'pending' END AS status,
       i.attempt, i.result, i.error, i.code, i.started_at, i.completed_at, i.failure
FROM df._maps m JOIN df._map_items i ON i.map_id = m.id JOIN df.instances n ON n.id = m.instance_id
WHERE n.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df.map_items IS
    'Items of df.map: one row for each, as it was when the map began. generation counts the executions of the node, from 1.';
COMMENT ON COLUMN df.map_items.item IS 'The row as a JSON object.';
COMMENT ON COLUMN df.map_items.status IS
    'pending, running (it is in the middle, or lasts), completed, failed or cancelled (the map ended before it did).';
COMMENT ON COLUMN df.map_items.result IS 'Result of the body.';
COMMENT ON COLUMN df.map_items.failure IS
    'Of a failed item the step of the body at which it failed: node, node_type, path and name, its executed_query and params, and the server''s detail, hint, position. step: the step of the inner map, when that failed.';

-- No SET clause: it is inlined, so that conditions on its columns reach the index.
CREATE OR REPLACE FUNCTION df.items(instance_id text, node_id text, generation integer) RETURNS SETOF df.map_items
LANGUAGE sql STABLE
AS $$
SELECT i.* FROM df.map_items i
WHERE i.instance_id OPERATOR(pg_catalog.=) $1::pg_catalog.varchar AND i.node_id OPERATOR(pg_catalog.=) $2::pg_catalog.varchar
    AND i.generation OPERATOR(pg_catalog.=) $3
$$;
COMMENT ON FUNCTION df.items(text, text, integer) IS 'The items of one execution of df.map; the meaning of $name.items of its result.';

CREATE OR REPLACE VIEW df._map_progress WITH (security_barrier) AS
SELECT m.instance_id, m.node_id, m.generation, m.total, m.completed, m.failed, m.ended_at, s.max_concurrent, m.subject
FROM df._maps m JOIN df.instances n ON n.id = m.instance_id LEFT JOIN df._map_settings s ON s.map_id = m.id
WHERE n.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df._map_progress IS 'The progress of executions of df.map, as of a moment ago.';

CREATE OR REPLACE FUNCTION df.set_map(instance_id text, node_id text, max_concurrent integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    instance record;
    map record;
BEGIN
    PERFORM df._require(0, 'instance_id', instance_id IS NOT NULL), df._require(1, 'node_id', node_id IS NOT NULL),
            df._check_concurrency(max_concurrent);
    SELECT i.id INTO instance FROM df.instances i
    WHERE i.id = instance_id AND i.submitted_by = quote_ident(current_user)::regrole;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance % not found', instance_id USING ERRCODE = 'no_data_found';
    END IF;
    SELECT p.total, p.ended_at INTO map FROM df._map_progress p
    WHERE p.instance_id = set_map.instance_id AND p.node_id = set_map.node_id ORDER BY p.generation DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Instance %: node % is no df.map that has begun', instance_id, node_id USING ERRCODE = 'no_data_found',
            HINT = format('SELECT id, status FROM df.nodes WHERE instance_id = %L AND node_type = ''MAP'';', instance_id);
    ELSIF map.ended_at IS NOT NULL THEN
        RETURN false;
    END IF;
    INSERT INTO df._map_changes (instance_id, node_id, max_concurrent, submitted_by)
    VALUES (instance_id, node_id, max_concurrent, quote_ident(current_user)::regrole);
    RETURN true;
END
$$;
COMMENT ON FUNCTION df.set_map(text, text, integer) IS
    'Changes how many items of a running df.map are worked on at once (1 to 10000), within seconds after the transaction commits. Returns false when it has ended.';

-- Definer: what was inserted has passed the policy, so it is the caller's.
CREATE OR REPLACE FUNCTION df._change_map() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._check_concurrency(new.max_concurrent);
    INSERT INTO df._map_settings AS s (map_id, max_concurrent)
    SELECT m.id, new.max_concurrent FROM df._maps m JOIN df.instances i ON i.id = m.instance_id
    WHERE m.instance_id = new.instance_id AND m.node_id = new.node_id AND i.submitted_by = new.submitted_by
        AND m.ended_at IS NULL
    ON CONFLICT (map_id) DO UPDATE SET max_concurrent = excluded.max_concurrent;
    DELETE FROM df._map_changes c WHERE c.instance_id = new.instance_id AND c.node_id = new.node_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._change_map() IS 'Internal: takes over the values of df.set_map.';
CREATE OR REPLACE TRIGGER map_changes_change AFTER INSERT ON df._map_changes FOR EACH ROW EXECUTE FUNCTION df._change_map();

CREATE OR REPLACE FUNCTION df._delete_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    DELETE FROM df._map_items WHERE map_id = old.id;
    DELETE FROM df._checkpoints c WHERE c.instance_id >= concat(old.instance_id, '.', old.id, '.')
        AND c.instance_id < concat(old.instance_id, '.', old.id, '/');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._delete_items() IS 'Internal: items go with their map.';
CREATE OR REPLACE TRIGGER maps_delete_items AFTER DELETE ON df._maps FOR EACH ROW EXECUTE FUNCTION df._delete_items();

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_add_items', '_freeze', '_map', '_open_items', '_decide_item',
                   '_write_item', '_take_items', '_end_maps', '_again_item', '_maps_in_the_middle', '_reopen', '_reopen_maps', '_change_map', '_delete_items')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
