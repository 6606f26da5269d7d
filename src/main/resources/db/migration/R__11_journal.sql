-- What the leader reads, and what it notes beside checkpoints (architecture 5, 6). All of it is the owner's.

---------------------------------------------------------------------------------------------------------------------
-- Loading
---------------------------------------------------------------------------------------------------------------------

-- What a role can compress a hundred times is read as it was: sizes are noted when an instance is started. Those of nodes that were
-- written by hand are not known before all are there.
CREATE OR REPLACE FUNCTION df._bytes(p_instance text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT
AS $$
BEGIN
    RETURN (SELECT coalesce(x.bytes, 65536)::bigint
                + coalesce((SELECT sum(c.bytes) FROM df._checkpoints c WHERE c.instance_id = x.instance_id), 0)
            FROM df._inbox x WHERE x.instance_id = p_instance);
END
$$;
COMMENT ON FUNCTION df._bytes(text) IS
    'Bytes of definition, variables and state of an instance, without reading them; NULL when it has ended. Called with the settings of its callers.';

-- As many as fit, from the first on. Of one that is large only the size comes: it is read by itself, so that nobody waits for it. A
-- definition of more than 64 MiB is not read at all. Hand-written nodes come one more than allowed, so that an excess is noticed.
CREATE OR REPLACE FUNCTION df._load(p_ids text[], p_bytes bigint, p_large bigint) RETURNS TABLE (
    instance_id text, root_node text, label text, vars text, database text, instance_status text, cancel_reason text,
    created_at timestamptz, started_at timestamptz, execution_count bigint, role_oid bigint, role_name text,
    role_blocked boolean, definition_bytes bigint, bytes bigint, graph text, nodes text, versions integer[], states text[], marks text,
    is_large boolean)
LANGUAGE plpgsql STABLE STRICT COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
-- Plans are kept for as long as a session lives, and may have been made while the tables were small: LIMIT 1 has what is asked for looked up
-- one by one, where a join would read all that there are.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH sized AS MATERIALIZED (
        -- What has ended is not continued: somebody may ask for it who does not know.
        SELECT w.id, w.place, d.bytes AS definition_bytes, coalesce(x.bytes, d.bytes + coalesce(octet_length(i.vars::text), 0))
                   + coalesce((SELECT sum(c.bytes) FROM df._checkpoints c WHERE c.instance_id = i.id), 0) AS bytes
        FROM unnest(p_ids) WITH ORDINALITY AS w(id, place)
        CROSS JOIN LATERAL (SELECT y.bytes, y.held FROM df._inbox y WHERE y.instance_id = w.id LIMIT 1) AS x
        CROSS JOIN LATERAL (SELECT y.* FROM df.instances y WHERE y.id = w.id LIMIT 1) AS i
        CROSS JOIN LATERAL (
            SELECT coalesce(octet_length(i.graph)::bigint, (SELECT sum(octet_length(to_json(n.query)::text)) FROM (
                       SELECT y.query FROM df._nodes y WHERE y.instance_id = i.id LIMIT 10001) AS n), 0) AS bytes) AS d
        WHERE NOT EXISTS (SELECT FROM df._tries t WHERE t.instance_id = w.id AND t.set_aside_at IS NOT NULL)
          -- A signal may name one that must not begin yet.
          AND (x.held IS NOT TRUE OR i.status = 'cancelled')
    ), fitting AS (
        SELECT s.*, sum(CASE WHEN s.bytes <= p_large THEN s.bytes ELSE 100 END) OVER (ORDER BY s.place) AS upto FROM sized s
    ), chosen AS MATERIALIZED (
        SELECT f.id, f.place, f.bytes, f.definition_bytes, f.bytes > p_large AS large,
               f.definition_bytes <= 67108864 AND f.bytes <= p_large AS readable
        FROM fitting f WHERE f.upto <= p_bytes OR f.place = (SELECT min(x.place) FROM fitting x)
    )
    SELECT i.id::text, i.root_node::text, i.label, CASE WHEN NOT c.large THEN i.vars::text END, nullif(i.database, current_database()), i.status,
           i.cancel_reason, i.created_at, i.started_at, i.execution_count, i.submitted_by::oid::bigint, r.rolname::text,
           coalesce(r.rolsuper AND NOT coalesce((SELECT lower(s.value) IN ('on', 'true', 'yes', '1') FROM df.settings s
                                                 WHERE s.name = 'enable_superuser_instances'), false), false),
           c.definition_bytes, c.bytes,
           CASE WHEN c.readable THEN i.graph END,
           CASE WHEN c.readable AND i.graph IS NULL THEN (
               SELECT json_agg(json_build_object('id', n.id, 'node_type', n.node_type, 'query', n.query,
                   'result_name', n.result_name, 'left_node', n.left_node, 'right_node', n.right_node,
                   'submitted_by', n.submitted_by::oid::bigint, 'database', nullif(n.database, current_database())))::text
               FROM (SELECT * FROM df._nodes x WHERE x.instance_id = i.id LIMIT 10001) AS n) END,
           p.versions, p.states,
           (SELECT json_agg(json_build_object('node', m.node_id, 'execution_id', m.execution_id, 'attempt', m.attempt,
                'started_at', m.started_at))::text
            FROM df._running m
            WHERE m.instance_id = i.id AND NOT EXISTS (
                SELECT FROM df._checkpoints k
                WHERE k.instance_id = i.id AND k.state -> 'nodes' ? m.node_id AND CASE
                    WHEN k.state -> 'nodes' -> m.node_id ->> 'execution_id' = m.execution_id
                    THEN k.state -> 'nodes' -> m.node_id ->> 'status' <> 'running' ELSE k.written_at >= m.marked_at END)
               AND NOT c.large),
           c.large
    FROM chosen c
    CROSS JOIN LATERAL (SELECT y.* FROM df.instances y WHERE y.id = c.id LIMIT 1) AS i
    LEFT JOIN pg_roles r ON r.oid = i.submitted_by
    LEFT JOIN LATERAL (
        SELECT array_agg(k.version ORDER BY k.version) AS versions,
               CASE WHEN c.readable THEN array_agg(k.state::text ORDER BY k.version) END AS states
        FROM df._checkpoints k WHERE k.instance_id = i.id) AS p ON true
    ORDER BY c.place;
END
$$;
COMMENT ON FUNCTION df._load(text[], bigint, bigint) IS
    'Instances in the order given, as long as p_bytes last (at least the first one): definition, checkpoints in the order of their versions, marks that count. Of an instance of more than p_large bytes only its identity and size.';

---------------------------------------------------------------------------------------------------------------------
-- What is new
---------------------------------------------------------------------------------------------------------------------

-- What was committed since a snapshot was taken: what that snapshot did not show, and this one does. Each row carries the
-- transaction that made it, so that a commit that comes late, behind others with higher numbers, is found, once, and without
-- reading what was seen before.
--
-- A look that finds more than its limit goes on in the next one. So what is handed back has a place for each of the five kinds,
-- in the order inbox, cancels, signals, events, items, with a bar between them: the snapshot up to which all was seen, or, in the middle of
-- a page, that snapshot, the one before it, and the last row. One place for all five when they are the same, as mostly. Behind #, with / between
-- them: transactions that have written so much that others are looked at first, and the last row that was seen of each.
CREATE OR REPLACE FUNCTION df._read_place(
    p_place text, OUT since pg_snapshot, OUT upto pg_snapshot, OUT after_xid xid8, OUT after_id text)
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_parts text[] := string_to_array(split_part(p_place, '#', 1), ';');
BEGIN
    IF cardinality(v_parts) = 1 THEN
        since := v_parts[1];
        after_xid := '0';
        after_id := '';
    ELSE
        upto := v_parts[1];
        since := v_parts[2];
        after_xid := v_parts[3];
        after_id := v_parts[4];
    END IF;
END
$$;
COMMENT ON FUNCTION df._read_place(text) IS 'A place of df._news. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._inbox_news(p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_at record := df._read_place(p_place);
    v_xmax xid8 := pg_snapshot_xmax(v_at.since);
    v_to xid8 := pg_snapshot_xmax(coalesce(v_at.upto, p_now::pg_snapshot));
    v_xip xid8[] := ARRAY(SELECT x FROM pg_snapshot_xip(v_at.since) AS x
                          WHERE x > v_at.after_xid AND pg_visible_in_snapshot(x, coalesce(v_at.upto, p_now::pg_snapshot)));
    v_xids xid8[];
BEGIN
    SELECT array_agg(p.instance_id ORDER BY p.xid, p.instance_id), array_agg(p.role::text ORDER BY p.xid, p.instance_id),
           array_agg(p.xid ORDER BY p.xid, p.instance_id)
    INTO ids, details, v_xids
    FROM (
        SELECT a.* FROM (
            (SELECT x.instance_id::text, x.role::bigint, x.xid FROM df._inbox x
             WHERE x.xid = v_at.after_xid AND x.instance_id > v_at.after_id AND x.wake_at IS NULL
             ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.role::bigint, x.xid FROM df._inbox x
             WHERE x.xid = ANY (v_xip) AND x.wake_at IS NULL ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.role::bigint, x.xid FROM df._inbox x
             WHERE x.xid >= v_xmax AND x.xid < v_to AND x.xid > v_at.after_xid AND x.wake_at IS NULL
             ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)) AS a
        WHERE v_at.upto IS NULL OR pg_visible_in_snapshot(a.xid, v_at.upto)
        ORDER BY a.xid, a.instance_id LIMIT p_limit + 1) AS p;
    place := coalesce(v_at.upto::text, p_now);
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        details := trim_array(details, 1);
        place := concat_ws(';', place, v_at.since, v_xids[p_limit], ids[p_limit]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._inbox_news(text, text, integer) IS
    'Internal: instances that were started since, and the place behind that. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._cancel_news(p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_at record := df._read_place(p_place);
    v_xmax xid8 := pg_snapshot_xmax(v_at.since);
    v_to xid8 := pg_snapshot_xmax(coalesce(v_at.upto, p_now::pg_snapshot));
    v_xip xid8[] := ARRAY(SELECT x FROM pg_snapshot_xip(v_at.since) AS x
                          WHERE x > v_at.after_xid AND pg_visible_in_snapshot(x, coalesce(v_at.upto, p_now::pg_snapshot)));
    v_xids xid8[];
BEGIN
    SELECT array_agg(p.instance_id ORDER BY p.xid, p.instance_id), array_agg(p.xid ORDER BY p.xid, p.instance_id)
    INTO ids, v_xids
    FROM (
        SELECT a.* FROM (
            (SELECT x.instance_id::text, x.xid FROM df._cancels x
             WHERE x.xid = v_at.after_xid AND x.instance_id > v_at.after_id
             ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.xid FROM df._cancels x
             WHERE x.xid = ANY (v_xip) ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.xid FROM df._cancels x
             WHERE x.xid >= v_xmax AND x.xid < v_to AND x.xid > v_at.after_xid ORDER BY x.xid, x.instance_id LIMIT p_limit + 1)) AS a
        WHERE v_at.upto IS NULL OR pg_visible_in_snapshot(a.xid, v_at.upto)
        ORDER BY a.xid, a.instance_id LIMIT p_limit + 1) AS p;
    place := coalesce(v_at.upto::text, p_now);
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        place := concat_ws(';', place, v_at.since, v_xids[p_limit], ids[p_limit]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._cancel_news(text, text, integer) IS
    'Internal: instances that were cancelled since, and the place behind that. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._signal_news(p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_at record := df._read_place(p_place);
    v_xmax xid8 := pg_snapshot_xmax(v_at.since);
    v_to xid8 := pg_snapshot_xmax(coalesce(v_at.upto, p_now::pg_snapshot));
    v_xip xid8[] := ARRAY(SELECT x FROM pg_snapshot_xip(v_at.since) AS x
                          WHERE x > v_at.after_xid AND pg_visible_in_snapshot(x, coalesce(v_at.upto, p_now::pg_snapshot)));
    v_xids xid8[];
    v_signals bigint[];
BEGIN
    SELECT array_agg(p.instance_id ORDER BY p.xid, p.id), array_agg(p.name ORDER BY p.xid, p.id),
           array_agg(p.xid ORDER BY p.xid, p.id), array_agg(p.id ORDER BY p.xid, p.id)
    INTO ids, details, v_xids, v_signals
    FROM (
        SELECT a.* FROM (
            (SELECT x.instance_id::text, x.name, x.xid, x.id FROM df.signals x
             WHERE x.xid = v_at.after_xid AND x.id > nullif(v_at.after_id, '')::bigint AND x.consumed_at IS NULL
             ORDER BY x.xid, x.id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.name, x.xid, x.id FROM df.signals x
             WHERE x.xid = ANY (v_xip) AND x.consumed_at IS NULL ORDER BY x.xid, x.id LIMIT p_limit + 1)
            UNION ALL
            (SELECT x.instance_id::text, x.name, x.xid, x.id FROM df.signals x
             WHERE x.xid >= v_xmax AND x.xid < v_to AND x.xid > v_at.after_xid AND x.consumed_at IS NULL
             ORDER BY x.xid, x.id LIMIT p_limit + 1)) AS a
        WHERE v_at.upto IS NULL OR pg_visible_in_snapshot(a.xid, v_at.upto)
        ORDER BY a.xid, a.id LIMIT p_limit + 1) AS p;
    place := coalesce(v_at.upto::text, p_now);
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        details := trim_array(details, 1);
        place := concat_ws(';', place, v_at.since, v_xids[p_limit], v_signals[p_limit]);
    END IF;
END
$$;
COMMENT ON FUNCTION df._signal_news(text, text, integer) IS
    'Internal: instances that were sent a signal since, its name, and the place behind that. Called with the settings of its callers.';

-- What one transaction has written by the thousand is looked at a part at a time: what others have written since comes before the rest.
CREATE OR REPLACE FUNCTION df._fair_news(
    p_kind text, p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_part CONSTANT integer := greatest(1, p_limit / 8);
    v_behind text[] := coalesce(string_to_array(nullif(split_part(p_place, '#', 2), ''), '/'), '{}');
    -- Those behind have a part of each look, and what others leave of it.
    v_left integer := p_limit - CASE WHEN v_behind = '{}' THEN 0 ELSE v_part END;
    v_xid text;
    v_page record;
BEGIN
    place := split_part(p_place, '#', 1);
    WHILE v_left > 0 LOOP
        v_xid := split_part(place, ';', 3);
        v_page := df._news_page(p_kind, place, p_now, least(v_part, v_left));
        ids := ids || v_page.ids;
        details := details || v_page.details;
        v_left := v_left - coalesce(cardinality(v_page.ids), 0);
        place := v_page.place;
        EXIT WHEN strpos(place, ';') = 0;
        IF split_part(place, ';', 3) = v_xid THEN
            v_behind := v_behind || concat_ws(';', v_xid, split_part(place, ';', 4));
            place := concat_ws(';', split_part(place, ';', 1), split_part(place, ';', 2), v_xid, df._behind_all(p_kind));
        END IF;
    END LOOP;
    v_left := p_limit - coalesce(cardinality(ids), 0);
    WHILE v_left > 0 AND v_behind <> '{}' LOOP
        v_xid := split_part(v_behind[1], ';', 1);
        -- As if this transaction were the only one since the snapshot before.
        v_page := df._news_page(p_kind, format('%s:%1$s:;%s:%2$s:;%2$s;%s', v_xid::bigint + 1, v_xid, split_part(v_behind[1], ';', 2)), p_now,
            least(v_part, v_left));
        ids := ids || v_page.ids;
        details := details || v_page.details;
        v_left := v_left - coalesce(cardinality(v_page.ids), 0);
        v_behind := v_behind[2 :] || CASE WHEN strpos(v_page.place, ';') > 0
            THEN ARRAY[concat_ws(';', v_xid, split_part(v_page.place, ';', 4))] ELSE '{}' END;
    END LOOP;
    IF v_behind <> '{}' THEN
        place := concat(place, '#', array_to_string(v_behind, '/'));
    END IF;
END
$$;
COMMENT ON FUNCTION df._fair_news(text, text, text, integer) IS
    'Internal: news of a kind of which there are more than p_limit, transactions taking turns, and the place behind them. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._news_page(
    p_kind text, p_place text, p_now text, p_limit integer, OUT place text, OUT ids text[], OUT details text[])
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_page record;
BEGIN
    CASE p_kind
        WHEN 'inbox' THEN v_page := df._inbox_news(p_place, p_now, p_limit);
        WHEN 'cancels' THEN v_page := df._cancel_news(p_place, p_now, p_limit);
        WHEN 'signals' THEN v_page := df._signal_news(p_place, p_now, p_limit);
        WHEN 'events' THEN v_page := df._event_news(p_place, p_now, p_limit);
        WHEN 'items' THEN v_page := df._item_news(p_place, p_now, p_limit);
    END CASE;
    place := v_page.place;
    ids := v_page.ids;
    details := v_page.details;
END
$$;
COMMENT ON FUNCTION df._news_page(text, text, text, integer) IS
    'Internal: a page of news of a kind, and the place behind it. Called with the settings of its callers.';

CREATE OR REPLACE FUNCTION df._behind_all(p_kind text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN CASE p_kind WHEN 'signals' THEN '9223372036854775807' WHEN 'inbox' THEN 'z' WHEN 'cancels' THEN 'z'
        ELSE '9223372036854775807.9223372036854775807' END;
END
$$;
COMMENT ON FUNCTION df._behind_all(text) IS 'Internal: what is behind each row of a transaction in a place of a kind.';

CREATE OR REPLACE FUNCTION df._news(p_epoch bigint, p_snapshot text, p_limit integer, p_bytes bigint) RETURNS TABLE (
    kind text, detail text,
    instance_id text, root_node text, label text, vars text, database text, instance_status text, cancel_reason text,
    created_at timestamptz, started_at timestamptz, execution_count bigint, role_oid bigint, role_name text,
    role_blocked boolean, definition_bytes bigint, bytes bigint, graph text, nodes text, versions integer[], states text[], marks text,
    is_large boolean)
LANGUAGE plpgsql STABLE COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Of the calling statement, and so of all that is read here.
    v_now text := pg_current_snapshot()::text;
    v_xmax xid8;
    v_to xid8;
    v_xip xid8[];
    v_places text[];
    v_place record;
    v_published record;
    -- Of which kinds there is something: what is not looked for costs no expressions, which are set up anew in every transaction.
    v_new record;
    -- Whether a place may be in the middle of a page.
    v_more boolean := strpos(p_snapshot, '|') > 0;
    v_fair boolean;
    v_ids text[];
    v_fitting integer;
BEGIN
    PERFORM df._fence(p_epoch);
    kind := 'snapshot';
    detail := v_now;
    IF p_snapshot IS NULL THEN
        RETURN NEXT;
        RETURN;
    ELSIF NOT v_more THEN
        v_xmax := pg_snapshot_xmax(p_snapshot::pg_snapshot);
        v_to := pg_snapshot_xmax(v_now::pg_snapshot);
        -- Of transactions that are still open nothing is read: one of them may have written a hundred thousand rows, which each look would pass.
        v_xip := ARRAY(SELECT x FROM pg_snapshot_xip(p_snapshot::pg_snapshot) AS x WHERE pg_visible_in_snapshot(x, v_now::pg_snapshot));
        SELECT EXISTS (SELECT FROM df._inbox x WHERE x.xid >= v_xmax AND x.xid < v_to AND x.wake_at IS NULL)
                   OR v_xip <> '{}' AND EXISTS (SELECT FROM df._inbox x WHERE x.xid = ANY (v_xip) AND x.wake_at IS NULL) AS inbox,
               EXISTS (SELECT FROM df._cancels x WHERE x.xid >= v_xmax AND x.xid < v_to)
                   OR v_xip <> '{}' AND EXISTS (SELECT FROM df._cancels x WHERE x.xid = ANY (v_xip)) AS cancels,
               EXISTS (SELECT FROM df.signals x WHERE x.xid >= v_xmax AND x.xid < v_to AND x.consumed_at IS NULL)
                   OR v_xip <> '{}' AND EXISTS (SELECT FROM df.signals x WHERE x.xid = ANY (v_xip) AND x.consumed_at IS NULL) AS signals,
               -- Of what is published only what somebody waits for is news.
               EXISTS (SELECT FROM df._event_waits) AND (EXISTS (SELECT FROM df._events x WHERE x.xid >= v_xmax AND x.xid < v_to)
                   OR v_xip <> '{}' AND EXISTS (SELECT FROM df._events x WHERE x.xid = ANY (v_xip))) AS events,
               EXISTS (SELECT FROM df._item_ends x WHERE x.xid >= v_xmax AND x.xid < v_to)
                   OR v_xip <> '{}' AND EXISTS (SELECT FROM df._item_ends x WHERE x.xid = ANY (v_xip)) AS items
        INTO v_new;
        IF NOT (v_new.inbox OR v_new.cancels OR v_new.signals OR v_new.events OR v_new.items) THEN
            RETURN NEXT;
            RETURN;
        END IF;
        v_places := ARRAY[CASE WHEN v_new.inbox THEN p_snapshot ELSE v_now END, CASE WHEN v_new.cancels THEN p_snapshot ELSE v_now END,
            CASE WHEN v_new.signals OR v_new.events THEN p_snapshot ELSE v_now END,
            CASE WHEN v_new.signals OR v_new.events THEN p_snapshot ELSE v_now END, CASE WHEN v_new.items THEN p_snapshot ELSE v_now END];
    ELSE
        v_places := string_to_array(p_snapshot, '|');
        SELECT true AS inbox, true AS cancels, true AS signals, true AS events, true AS items INTO v_new;
    END IF;

    -- New instances, roles taking turns: those that fit are read along.
    IF v_new.inbox THEN
        v_fair := v_more;
        IF NOT v_fair THEN
            v_place := df._inbox_news(v_places[1], v_now, p_limit);
            v_fair := strpos(v_place.place, ';') > 0;
        END IF;
        IF v_fair THEN
            v_place := df._fair_news('inbox', v_places[1], v_now, p_limit);
        END IF;
        v_places[1] := v_place.place;
        IF v_place.ids IS NOT NULL THEN
            SELECT array_agg(o.id ORDER BY o.turn, o.place), count(*) FILTER (WHERE o.upto <= p_bytes)
            INTO v_ids, v_fitting
            FROM (
                SELECT t.*, sum(coalesce(x.bytes, 65536)) OVER (ORDER BY t.turn, t.place) AS upto
                FROM (SELECT n.id, n.place, row_number() OVER (PARTITION BY n.role ORDER BY n.place) AS turn
                      FROM unnest(v_place.ids, v_place.details) WITH ORDINALITY AS n(id, role, place) WHERE n.id IS NOT NULL) AS t
                CROSS JOIN LATERAL (SELECT y.bytes FROM df._inbox y WHERE y.instance_id = t.id LIMIT 1) AS x) AS o;
            -- However small they are, reading them must not take long.
            v_fitting := least(v_fitting, 100);
            IF v_fitting > 0 THEN
                RETURN QUERY SELECT 'loaded'::text, NULL::text, l.* FROM df._load(v_ids[1 : v_fitting], p_bytes, p_bytes) AS l;
                -- Fewer when they have checkpoints, which those have that go on after an end: the rest is named, and read by itself.
                GET DIAGNOSTICS v_fitting = ROW_COUNT;
            END IF;
            IF v_fitting < cardinality(v_ids) THEN
                RETURN QUERY
                SELECT 'started'::text, NULL::text, x.instance_id::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
                       NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::bigint, x.role::bigint, NULL::text, NULL::boolean,
                       NULL::bigint, coalesce(x.bytes, 65536)::bigint, NULL::text, NULL::text, NULL::integer[], NULL::text[],
                       NULL::text, NULL::boolean
                FROM unnest(v_ids[v_fitting + 1 :]) WITH ORDINALITY AS n(id, place)
                CROSS JOIN LATERAL (SELECT y.* FROM df._inbox y WHERE y.instance_id = n.id LIMIT 1) AS x
                ORDER BY n.place;
            END IF;
        END IF;
    END IF;

    IF v_new.cancels THEN
        kind := 'cancelled';
        v_fair := v_more;
        IF NOT v_fair THEN
            v_place := df._cancel_news(v_places[2], v_now, p_limit);
            v_fair := strpos(v_place.place, ';') > 0;
        END IF;
        IF v_fair THEN
            v_place := df._fair_news('cancels', v_places[2], v_now, p_limit);
        END IF;
        v_places[2] := v_place.place;
        FOR instance_id, role_oid, detail, bytes IN
            SELECT i.id::text, i.submitted_by::oid::bigint, coalesce(i.cancel_reason, 'Cancelled by user'), df._bytes(i.id)
            FROM unnest(v_place.ids) AS n(id)
            CROSS JOIN LATERAL (SELECT y.id, y.submitted_by, y.cancel_reason FROM df.instances y WHERE y.id = n.id LIMIT 1) AS i
        LOOP
            RETURN NEXT;
        END LOOP;
    END IF;

    IF v_new.signals OR v_new.events THEN
        kind := 'signal';
        v_fair := v_more;
        IF NOT v_fair THEN
            v_place := df._signal_news(v_places[3], v_now, p_limit);
            v_fair := strpos(v_place.place, ';') > 0;
        END IF;
        IF v_fair THEN
            v_place := df._fair_news('signals', v_places[3], v_now, p_limit);
        END IF;
        v_places[3] := v_place.place;
        v_fair := v_more;
        IF NOT v_fair THEN
            v_published := df._event_news(v_places[4], v_now, p_limit);
            v_fair := strpos(v_published.place, ';') > 0;
        END IF;
        IF v_fair THEN
            v_published := df._fair_news('events', v_places[4], v_now, p_limit);
        END IF;
        v_places[4] := v_published.place;
        FOR instance_id, role_oid, detail, bytes IN
            SELECT n.id, x.role::bigint, n.name, df._bytes(n.id)
            FROM (SELECT m.id, CASE WHEN ascii(m.name) = 1 THEN concat(chr(1), m.name) ELSE m.name END AS name
                  FROM unnest(v_place.ids, v_place.details) AS m(id, name)
                  UNION SELECT m.id, m.name FROM unnest(v_published.ids, v_published.details) AS m(id, name)) AS n
            CROSS JOIN LATERAL (SELECT y.role FROM df._inbox y WHERE y.instance_id = n.id LIMIT 1) AS x
            CROSS JOIN LATERAL (SELECT y.status FROM df.instances y WHERE y.id = n.id LIMIT 1) AS i
            -- What undoes a step of a cancelled instance may wait for a program.
            WHERE i.status IN ('pending', 'running') OR i.status = 'cancelled' AND starts_with(n.name, 'df.a')
        LOOP
            RETURN NEXT;
        END LOOP;
    END IF;

    instance_id := NULL;
    role_oid := NULL;
    bytes := NULL;
    IF v_new.items THEN
        kind := 'items';
        v_fair := v_more;
        IF NOT v_fair THEN
            v_place := df._item_news(v_places[5], v_now, p_limit);
            v_fair := strpos(v_place.place, ';') > 0;
        END IF;
        IF v_fair THEN
            v_place := df._fair_news('items', v_places[5], v_now, p_limit);
        END IF;
        v_places[5] := v_place.place;
        FOREACH detail IN ARRAY coalesce(v_place.ids, '{}') LOOP
            RETURN NEXT;
        END LOOP;
    END IF;

    IF array_to_string(v_places, '') ~ '[;#]' THEN
        -- Of whatever kind: what one role has sent by the thousand stands before what others send.
        kind := 'more';
        detail := NULL;
        RETURN NEXT;
    END IF;

    kind := 'snapshot';
    detail := CASE WHEN v_places[1] = ALL (v_places) AND v_places[1] !~ '[;#]'
                   THEN v_places[1] ELSE array_to_string(v_places, '|') END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION df._news(bigint, text, integer, bigint) IS
    'The news committed since p_snapshot, exactly once: rows of kind loaded (new instances, as df._load returns them, as long as p_bytes last), started (new instances that were not read), more (there is more of any kind than p_limit), cancelled and signal (detail: reason, name), items (of maps that programs have ended; detail: <map>:<completed>:<failed>), and snapshot, for the next look. NULL: only a snapshot.';

---------------------------------------------------------------------------------------------------------------------
-- What was there before, and what is due
---------------------------------------------------------------------------------------------------------------------

-- In four parts, and in each by its index: what is due, sleepers with a signal that nothing has consumed, those with an event, and what
-- is awake. The place is (0, time and id), (1, instance), (2, instance), (xid, instance); transactions begin with 3.
CREATE OR REPLACE FUNCTION df._left(p_epoch bigint, p_snapshot text, p_after_xid bigint, p_after_id text, p_limit integer)
RETURNS TABLE (instance_id text, role_oid bigint, bytes bigint, next_xid bigint, next_id text)
LANGUAGE plpgsql STABLE STRICT COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET "DateStyle" = 'ISO'
AS $$
#variable_conflict use_column
DECLARE
    v_snapshot pg_snapshot := split_part(split_part(split_part(p_snapshot, '|', 1), '#', 1), ';', 1);
    v_time timestamptz := '-infinity';
    v_id text := p_after_id;
    v_now timestamptz := clock_timestamp();
    v_count integer;
BEGIN
    PERFORM df._fence(p_epoch);
    IF p_after_xid = 0 THEN
        IF p_after_id <> '' THEN
            v_time := split_part(p_after_id, '|', 1);
            v_id := split_part(p_after_id, '|', 2);
        END IF;
        RETURN QUERY
        SELECT x.instance_id::text, x.role::bigint, df._bytes(x.instance_id), 0::bigint, concat(x.wake_at, '|', x.instance_id)
        FROM df._inbox x
        WHERE x.wake_at IS NOT NULL AND (x.wake_at, x.instance_id::text) > (v_time, v_id)
            AND x.wake_at <= v_now AND pg_visible_in_snapshot(x.xid, v_snapshot)
        ORDER BY x.wake_at, x.instance_id LIMIT p_limit;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count = p_limit THEN
            RETURN;
        END IF;
        v_id := '';
    END IF;
    IF p_after_xid <= 1 THEN
        RETURN QUERY
        WITH RECURSIVE signalled AS (
            (SELECT s.instance_id::text AS id FROM df.signals s WHERE s.consumed_at IS NULL AND s.instance_id > v_id
             ORDER BY s.instance_id LIMIT 1)
            UNION ALL
            SELECT (SELECT s.instance_id::text FROM df.signals s WHERE s.consumed_at IS NULL AND s.instance_id > g.id
                    ORDER BY s.instance_id LIMIT 1)
            FROM signalled g WHERE g.id IS NOT NULL)
        SELECT x.instance_id::text, x.role::bigint, df._bytes(x.instance_id), 1::bigint, x.instance_id::text
        FROM signalled g CROSS JOIN LATERAL (SELECT y.* FROM df._inbox y WHERE y.instance_id = g.id LIMIT 1) AS x
        WHERE x.wake_at > v_now
        LIMIT p_limit;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count = p_limit THEN
            RETURN;
        END IF;
        v_id := '';
    END IF;
    IF p_after_xid <= 2 THEN
        RETURN QUERY
        SELECT w.instance_id, w.role_oid, w.bytes, 2::bigint, w.instance_id FROM df._left_event_waits(v_id, p_limit) AS w;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count = p_limit THEN
            RETURN;
        END IF;
        v_id := '';
    END IF;
    RETURN QUERY
    SELECT p.instance_id::text, p.role::bigint, df._bytes(p.instance_id), p.xid::text::bigint, p.instance_id::text
    FROM (SELECT x.* FROM df._inbox x
          WHERE x.wake_at IS NULL AND (x.xid, x.instance_id::text) > (p_after_xid::text::xid8, v_id)
              AND pg_visible_in_snapshot(x.xid, v_snapshot)
          ORDER BY x.xid, x.instance_id LIMIT p_limit) AS p
    ORDER BY p.xid, p.instance_id;
END
$$;
COMMENT ON FUNCTION df._left(bigint, text, bigint, text, integer) IS
    'At take-over: instances that a snapshot shows, have not ended and do not sleep (or are due, or have a signal), a page at a time. The next page begins behind the last row''s place; after a page that is not full there is none.';

CREATE OR REPLACE FUNCTION df._left_cancels(p_snapshot text) RETURNS TABLE (instance_id text, role_oid bigint, bytes bigint)
LANGUAGE plpgsql STABLE STRICT COST 1000 ROWS 10
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT x.instance_id::text, x.role::bigint, df._bytes(x.instance_id)
    FROM df._cancels c JOIN df._inbox x ON x.instance_id = c.instance_id
    WHERE x.wake_at IS NOT NULL
        AND pg_visible_in_snapshot(c.xid, split_part(split_part(split_part(p_snapshot, '|', 1), '#', 1), ';', 1)::pg_snapshot);
END
$$;
COMMENT ON FUNCTION df._left_cancels(text) IS 'At take-over: sleeping instances that were cancelled and have not been wound up.';

CREATE OR REPLACE FUNCTION df._due(p_from timestamptz, p_to timestamptz, p_limit integer)
RETURNS TABLE (instance_id text, role_oid bigint, bytes bigint, wake_at timestamptz)
LANGUAGE plpgsql STABLE STRICT COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT p.instance_id::text, p.role::bigint, df._bytes(p.instance_id), p.wake_at
    FROM (SELECT x.* FROM df._inbox x WHERE x.wake_at > p_from AND x.wake_at <= p_to
          ORDER BY x.wake_at FETCH FIRST p_limit ROWS WITH TIES) AS p
    ORDER BY p.wake_at;
END
$$;
COMMENT ON FUNCTION df._due(timestamptz, timestamptz, integer) IS
    'Instances that wait for a moment after p_from and not after p_to, the earliest first; more than p_limit when several wait for the same moment.';

CREATE OR REPLACE FUNCTION df._signals(p_instances text[], p_names text[], p_bytes bigint)
RETURNS TABLE (instance_id text, name text, id bigint, data text)
LANGUAGE plpgsql STABLE STRICT COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT o.instance_id, o.name, o.id,
           CASE WHEN o.publisher_id IS NULL THEN (SELECT coalesce(x.data::text, 'null') FROM df.signals x WHERE x.id = o.id)
                WHEN o.id > 0 THEN (SELECT x.value::text FROM df._events x WHERE x.id = o.id)
                ELSE to_json(o.publisher_id)::text END
    -- The one with which the bytes are used up is read, too: so few bytes in sum tell the caller that nothing was left out.
    FROM (SELECT f.*, sum(f.bytes) OVER (ORDER BY f.place) - f.bytes AS before
          FROM (SELECT w.instance_id, w.name, s.id, w.place, s.bytes, NULL AS publisher_id
                FROM unnest(p_instances, p_names) WITH ORDINALITY AS w(instance_id, name, place)
                CROSS JOIN LATERAL (
                    SELECT y.id, y.bytes FROM df.signals y
                    WHERE y.instance_id = left(w.instance_id, 8) AND y.consumed_at IS NULL
                        AND y.name = CASE WHEN ascii(w.name) = 1 THEN substr(w.name, 2) ELSE w.name END
                    ORDER BY y.id LIMIT 1) AS s
                WHERE ascii(w.name) <> 1 OR ascii(substr(w.name, 2)) = 1
                UNION ALL
                SELECT p_instances[e.place], p_names[e.place], e.id, e.place, e.bytes, e.publisher_id
                FROM df._awaited_events(p_instances, p_names) AS e
                WHERE p_names && ARRAY(SELECT n FROM unnest(p_names) AS n WHERE ascii(n) = 1)) AS f) AS o
    WHERE o.before < p_bytes
    ORDER BY o.place;
END
$$;
COMMENT ON FUNCTION df._signals(text[], text[], bigint) IS
    'For each pair of instance and name the oldest signal that nothing has consumed, as long as the bytes last (at least one); for a name of character 1 and a node the last event that it waits for, or id -1 and the instance that its role cannot see.';

---------------------------------------------------------------------------------------------------------------------
-- Marks
---------------------------------------------------------------------------------------------------------------------

-- [{"instance", "node", "execution_id", "attempt", "started_at", "waits"}, …]; without a node it is the instance alone that is shown as
-- running. Rows that are locked, or whose instance has ended, are left out. With a node the instance is shown too, unless the role
-- has another isolation than READ COMMITTED by default: a step that is being executed would find, when it ends the instance, that
-- the row has changed since its snapshot was taken.
CREATE OR REPLACE FUNCTION df._set_marks(p_marks jsonb) RETURNS TABLE (instance_id text, node_id text)
LANGUAGE plpgsql VOLATILE STRICT ROWS 100
AS $$
#variable_conflict use_column
BEGIN
    WITH marked AS MATERIALIZED (
        SELECT i.id, t.started_at
        FROM (SELECT DISTINCT ON (left(y.instance, 8)) left(y.instance, 8) AS instance, y.node, y.started_at
              FROM jsonb_to_recordset(p_marks) AS y(instance text, node text, started_at timestamptz)
              ORDER BY left(y.instance, 8), y.node NULLS FIRST) AS t
        CROSS JOIN LATERAL (
            SELECT x.id FROM df.instances x
            WHERE x.id = t.instance AND x.status = 'pending' AND (t.node IS NULL OR NOT EXISTS (
                SELECT FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c(setting)
                WHERE s.setrole IN (0, x.submitted_by) AND s.setdatabase IN (0, (
                          SELECT d.oid FROM pg_database d WHERE d.datname = coalesce(x.database, current_database())))
                  AND c.setting ~* '^default_transaction_isolation=' AND c.setting !~* '=read (un)?committed$'))
            LIMIT 1 FOR NO KEY UPDATE OF x SKIP LOCKED) AS i)
    UPDATE df.instances u SET status = 'running', updated_at = clock_timestamp(),
        started_at = coalesce(u.started_at, (SELECT m.started_at FROM marked m WHERE m.id = u.id), clock_timestamp())
    WHERE u.id = ANY (ARRAY(SELECT m.id FROM marked m));
    RETURN QUERY
    INSERT INTO df._running AS r (instance_id, node_id, execution_id, attempt, started_at, waits)
    SELECT DISTINCT ON (t.instance, t.node) t.instance, t.node, t.execution_id, t.attempt, t.started_at, t.waits
    FROM jsonb_to_recordset(p_marks)
        AS t(instance text, node text, execution_id text, attempt integer, started_at timestamptz, waits jsonb)
    CROSS JOIN LATERAL (SELECT FROM df._inbox i WHERE i.instance_id = left(t.instance, 8) LIMIT 1) AS x
    WHERE t.node IS NOT NULL
    ORDER BY t.instance, t.node
    ON CONFLICT (instance_id, node_id) DO UPDATE SET
        attempt = CASE WHEN r.execution_id = excluded.execution_id THEN coalesce(excluded.attempt, r.attempt)
                       ELSE excluded.attempt END,
        started_at = CASE WHEN r.execution_id = excluded.execution_id THEN coalesce(excluded.started_at, r.started_at)
                          ELSE excluded.started_at END,
        execution_id = excluded.execution_id, waits = excluded.waits, marked_at = clock_timestamp()
    RETURNING r.instance_id::text, r.node_id::text;
END
$$;
COMMENT ON FUNCTION df._set_marks(jsonb) IS 'Writes marks; returns which. Called with the settings of its callers.';

-- A lost mark is set again, or does no harm: the commit need not be waited for.
CREATE OR REPLACE FUNCTION df._mark(p_epoch bigint, p_marks text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM df._set_marks(p_marks::jsonb);
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._mark(bigint, text) IS 'Shows nodes, and instances, as running.';

-- What begins cannot be rolled back: a request, a statement outside of a transaction. Its attempt is on disk before, and with it
-- all that led there.
CREATE OR REPLACE FUNCTION df._begin(p_epoch bigint, p_marks text) RETURNS TABLE (
    instance_id text, node_id text, started text, role_name text, may_http boolean, may_multipart boolean)
LANGUAGE plpgsql VOLATILE STRICT COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH marked AS MATERIALIZED (SELECT m.instance_id AS i, m.node_id AS n FROM df._set_marks(p_marks::jsonb) m)
    SELECT marked.i, marked.n, extract(epoch FROM d.created_at)::text, r.rolname::text,
           coalesce(has_function_privilege(r.oid, 'df.http(text,text,text,jsonb,integer)', 'EXECUTE'), false),
           coalesce(has_function_privilege(r.oid, 'df.http_multipart(text,text,jsonb,jsonb,integer)', 'EXECUTE'), false)
    FROM marked
    CROSS JOIN LATERAL (SELECT n.created_at, n.submitted_by FROM df.instances n WHERE n.id = left(marked.i, 8) LIMIT 1) AS d
    LEFT JOIN pg_roles r ON r.oid = d.submitted_by;
    PERFORM set_config('synchronous_commit', 'on', true);
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._begin(bigint, text) IS
    'Marks nodes as running like df._mark, durably, and says for each when its instance was created and whether its submitter may send HTTP requests.';

---------------------------------------------------------------------------------------------------------------------
-- Terms
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._set_idle(p_epoch bigint, p_idle boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE df._wake SET idle = p_idle WHERE idle <> p_idle;
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._set_idle(bigint, boolean) IS 'Says whether starts, signals and cancels must send a NOTIFY.';

-- From the moment that the epoch is drawn no checkpoint of an older term can be written; one that was written before, and is
-- not committed, meets its successor at its version.
CREATE OR REPLACE FUNCTION df._begin_term() RETURNS TABLE (epoch bigint, key bytea, epoch_id uuid)
LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_key bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    v_epoch bigint := nextval('df._epoch_seq');
    -- Those of the worker before, until this one has compared its own.
    v_zones text[] := (SELECT w.unknown_zones FROM df._worker_epoch w LIMIT 1);
BEGIN
    UPDATE df._epoch SET key = v_key;
    DELETE FROM df._worker_epoch;
    INSERT INTO df._worker_epoch (epoch_id, started_at, last_seen_at, unknown_zones)
    VALUES (v_id, clock_timestamp(), clock_timestamp(), coalesce(v_zones, '{}'));
    RETURN QUERY SELECT v_epoch, v_key, v_id;
END
$$;
COMMENT ON FUNCTION df._begin_term() IS 'Begins a term of leadership: draws the next epoch and a new key.';

-- A lock that is asked for again and again is had half an interval late on average; one that is waited for is had at once.
-- The wait is short, so that the standby sees other things too, its snapshot does not hold back VACUUM, and nothing is
-- logged: lock_timeout is caught, and log_lock_waits begins after deadlock_timeout.
CREATE OR REPLACE FUNCTION df._await_lock(p_key bigint, p_millis integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM set_config('lock_timeout', p_millis::text, true);
    PERFORM pg_advisory_lock(p_key);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION df._await_lock(bigint, integer) IS
    'Waits up to p_millis milliseconds for an advisory lock of the session; whether it has it now.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_bytes', '_load', '_read_place', '_inbox_news',
                   '_cancel_news', '_signal_news', '_fair_news', '_news_page', '_behind_all', '_news', '_left', '_left_cancels', '_due', '_signals', '_set_marks', '_mark', '_begin', '_set_idle', '_begin_term', '_await_lock')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
