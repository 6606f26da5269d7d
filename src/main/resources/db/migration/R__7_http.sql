-- What the worker asks before it sends the request of an HTTP step (specification 4.10).

-- The commit must have reached the disk before the request goes out, whatever df._mark_running says: a request cannot be
-- rolled back, and it must not be sent for a workflow whose beginning a crash can still undo.
CREATE OR REPLACE FUNCTION df._begin_requests(p_epoch bigint, p_marks text) RETURNS TABLE (
    instance_id text, node_id text, started text, role_name text, may_http boolean, may_multipart boolean)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    WITH marked AS MATERIALIZED (SELECT m.instance_id AS i, m.node_id AS n FROM df._mark_running(p_epoch, p_marks) m)
    SELECT marked.i, marked.n, extract(epoch FROM d.created_at)::text, r.rolname::text,
           coalesce(has_function_privilege(r.oid, 'df.http(text,text,text,jsonb,integer)', 'EXECUTE'), false),
           coalesce(has_function_privilege(r.oid, 'df.http_multipart(text,text,jsonb,jsonb,integer)', 'EXECUTE'), false)
    FROM marked
    JOIN df.instances d ON d.id = marked.i
    LEFT JOIN pg_roles r ON r.oid = d.submitted_by;
    PERFORM set_config('synchronous_commit', 'on', true);
END
$$;
COMMENT ON FUNCTION df._begin_requests(bigint, text) IS
    'Marks nodes as running like df._mark_running, durably, and says for each marked one when its instance was created and whether its submitter may send HTTP requests.';

REVOKE EXECUTE ON FUNCTION df._begin_requests(bigint, text) FROM PUBLIC;
