-- What is undone: df.saga and df.with_undo (language.md, section 4). The interpreter is dev.perdure.flow.Compensation.

CREATE OR REPLACE FUNCTION df.saga(node text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._require(0, 'node', node IS NOT NULL);
    RETURN concat('{"node_type":"SAGA","left_node":', df._as_node(node), '}');
END
$$;
COMMENT ON FUNCTION df.saga(text) IS
    'Runs node. When it fails, times out, is cancelled or loses its race, its registered undos run, the latest first, and then the failure goes on.';

-- An undo is tried without end, unless it is a df.retry itself.
CREATE OR REPLACE FUNCTION df.with_undo(step text, undo text, register text DEFAULT 'after') RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    undone text;
BEGIN
    PERFORM df._require(0, 'step', step IS NOT NULL), df._require(1, 'undo', undo IS NOT NULL),
            df._require(2, 'register', register IS NOT NULL);
    IF register NOT IN ('after', 'before') THEN
        RAISE EXCEPTION 'df.with_undo: register must be after or before, not %', quote_literal(register)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'after: the commit of the step registers the undo. before: it is registered before the step begins, whose outcome can be unknown.';
    END IF;
    undone := df._as_node(undo);
    IF undone::json ->> 'node_type' <> 'RETRY' THEN
        undone := df.retry(undone, NULL, '1 second', 2, '5 minutes');
    END IF;
    RETURN concat('{"node_type":"WITH_UNDO","left_node":', df._as_node(step), ',"right_node":', undone, ',"query":',
        to_json(format('{"register":"%s"}', register)), '}');
END
$$;
COMMENT ON FUNCTION df.with_undo(text, text, text) IS
    'A step with its undo. The undo runs when the df.saga around it does not complete, with the names of the moment at which it was registered: after the step, by its commit, or before it. It is repeated until it succeeds, unless df.retry limits it.';

CREATE OR REPLACE FUNCTION df._undo_problem(node_type text, query text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN node_type = 'WITH_UNDO' AND (df._json_object(query) ->> 'register' IN ('after', 'before')) IS NOT TRUE
            THEN 'register of WITH_UNDO is neither after nor before' END
$$;
COMMENT ON FUNCTION df._undo_problem(text, text) IS
    'Internal: the problem of the configuration of a WITH_UNDO; NULL for none, and for other nodes.';

-- dev.perdure.graph.SagaPlaces has the same rules. A path is that of its parent and a step: the prefixes of a path are its ancestors.
CREATE OR REPLACE FUNCTION df._saga_problem(paths text[], node_types text[]) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
WITH nodes AS MATERIALIZED (
    SELECT n.path, n.kind, n.place FROM unnest(paths, node_types) WITH ORDINALITY AS n(path, kind, place)
    WHERE n.kind IN ('SAGA', 'WITH_UNDO', 'MAP', 'BREAK', 'LOOP')
)
SELECT concat(n.path, ': ', p.problem)
FROM nodes n CROSS JOIN LATERAL (
    SELECT CASE
        WHEN n.kind = 'BREAK' THEN
            -- The undo around it, and no loop in between.
            CASE WHEN EXISTS (
                SELECT FROM nodes u WHERE u.kind = 'WITH_UNDO' AND starts_with(concat(n.path, '.'), concat(u.path, '.right.'))
                  AND NOT EXISTS (SELECT FROM nodes l WHERE l.kind = 'LOOP' AND starts_with(n.path, concat(l.path, '.'))
                                  AND starts_with(concat(l.path, '.'), concat(u.path, '.right.'))))
                 THEN 'df.break() in an undo leaves no loop: what undoes a step is done to its end' END
        WHEN EXISTS (SELECT FROM nodes u WHERE u.kind = 'WITH_UNDO' AND starts_with(concat(n.path, '.'), concat(u.path, '.right.')))
            THEN CASE WHEN n.kind = 'MAP' THEN 'df.map in an undo is not supported: a cancel would reach its items'
                ELSE format('%s in an undo: what undoes a step is not undone itself', CASE n.kind WHEN 'SAGA' THEN 'df.saga' ELSE 'df.with_undo' END) END
        WHEN n.kind <> 'MAP' AND EXISTS (SELECT FROM nodes m WHERE m.kind = 'MAP' AND starts_with(concat(n.path, '.'), concat(m.path, '.left.')))
            THEN format('%s in what df.map does for each item is not supported: undo in a step of the workflow, or start an instance for each item',
                CASE n.kind WHEN 'SAGA' THEN 'df.saga' ELSE 'df.with_undo' END)
        WHEN n.kind = 'WITH_UNDO' AND NOT EXISTS (SELECT FROM nodes s WHERE s.kind = 'SAGA' AND starts_with(n.path, concat(s.path, '.')))
            THEN 'df.with_undo stands outside of df.saga: nothing would ever undo the step' END AS problem
) AS p
WHERE n.kind <> 'LOOP' AND p.problem IS NOT NULL
ORDER BY n.place LIMIT 1
$$;
COMMENT ON FUNCTION df._saga_problem(text[], text[]) IS
    'Internal: the problem of the places of sagas and undos in a graph; NULL for none.';

-- The nearest saga around each WITH_UNDO whose undo runs.
CREATE OR REPLACE FUNCTION df._compensating(nodes jsonb, markers jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
WITH RECURSIVE links AS MATERIALIZED (
    SELECT p.key AS parent, p.value ->> 't' AS kind, c.child, c.side
    FROM jsonb_each(nodes) AS p CROSS JOIN LATERAL (
        SELECT p.value ->> 'l', 'l' UNION ALL SELECT p.value ->> 'r', 'r' UNION ALL SELECT p.value ->> 'c', 'c'
        UNION ALL SELECT jsonb_array_elements_text(p.value -> 'x'), 'x') AS c(child, side)
    WHERE c.child IS NOT NULL
), below AS (
    SELECT l.parent AS step, l.child AS id FROM links l WHERE l.kind = 'WITH_UNDO' AND l.side = 'r'
    UNION
    SELECT b.step, l.child FROM below b JOIN links l ON l.parent = b.id
), above AS (
    SELECT DISTINCT l.parent AS id, l.kind FROM below b JOIN links l ON l.child = b.step WHERE markers ->> b.id = 'running'
    UNION
    SELECT l.parent, l.kind FROM above a JOIN links l ON l.child = a.id WHERE a.kind <> 'SAGA'
)
SELECT coalesce(array_agg(DISTINCT a.id), '{}') FROM above a WHERE a.kind = 'SAGA'
$$;
COMMENT ON FUNCTION df._compensating(jsonb, jsonb) IS 'Internal: the sagas of an instance that undo something at present.';

-- Which sagas have undone something, or failed to: what stands in them runs again as a whole.
CREATE OR REPLACE FUNCTION df._undone(p_instance text) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT coalesce(array_agg(DISTINCT e.entry -> 'bindings' ->> 'saga'), '{}')
FROM df._entries(p_instance) AS e
WHERE e.node_id LIKE 'undo:%' AND e.is_present AND e.entry -> 'bindings' ? 'undoing'
$$;
COMMENT ON FUNCTION df._undone(text) IS 'Internal: the sagas of an instance that have undone something.';

REVOKE EXECUTE ON FUNCTION df._undone(text) FROM PUBLIC;
