-- What the worker knows about logging in as submitters, and no lock on a shared table for submitters.

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
ALTER TABLE df._logins ENABLE ROW LEVEL SECURITY;
CREATE POLICY logins_own_row ON df._logins FOR SELECT
    USING (role_oid = (SELECT (quote_ident(current_user))::regrole)::oid);

ALTER TABLE df._wake ADD COLUMN passwords boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN df._wake.passwords IS
    'Whether the worker has passwords for submitters: then VALID UNTIL of a role matters, which it does not for other ways of logging in.';

-- LOCK TABLE goes with UPDATE and DELETE of a whole table, and df.start of everybody reads df.vars. So rights on it are
-- those of columns, and a variable is deleted by marking it.
ALTER TABLE df.vars ADD COLUMN unset boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN df.vars.unset IS 'Set to true to delete the row: roles have no DELETE, with which LOCK TABLE would come.';

-- Definer: submitters may not delete. It deletes no other row than one that its owner has just updated.
CREATE FUNCTION df._delete_unset() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM df.vars v WHERE v.owner = new.owner AND v.name = new.name AND v.unset;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._delete_unset() IS 'Internal: deletes variables that are marked as unset.';
CREATE TRIGGER vars_delete_unset AFTER UPDATE ON df.vars
    FOR EACH ROW WHEN (new.unset) EXECUTE FUNCTION df._delete_unset();
REVOKE EXECUTE ON FUNCTION df._delete_unset() FROM PUBLIC;

-- Who had rights on the table keeps those on the columns. What others than the owner granted ends with CASCADE: they
-- call df.grant_usage again.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
               bool_or(a.is_grantable) AS may_grant
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = 'df.vars'::regclass AND a.grantee <> c.relowner AND a.grantor = c.relowner
          AND a.privilege_type = 'UPDATE'
        GROUP BY a.grantee
    LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON df.vars FROM %s CASCADE', r.grantee);
        EXECUTE format('GRANT INSERT (name, value, owner), UPDATE (value, unset) ON df.vars TO %s%s', r.grantee,
            CASE WHEN r.may_grant THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$;

-- The worker loads definitions into its memory, which submitters must not be able to fill. Lengths of stored texts are
-- known without reading them. Triggers of a table fire in the order of their names.
CREATE FUNCTION df._check_sizes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF tg_table_name = 'instances' THEN
        IF octet_length(new.label) > 4096 THEN
            PERFORM df._violates('instances', 'instances_label_size_chk');
        ELSIF octet_length(new.database) > 63 THEN
            PERFORM df._violates('instances', 'instances_database_size_chk');
        ELSIF octet_length(new.vars::text) > 1048576 THEN
            PERFORM df._violates('instances', 'instances_vars_size_chk');
        ELSIF octet_length(new.cancel_reason) > 65536 THEN
            PERFORM df._violates('instances', 'instances_cancel_reason_size_chk');
        END IF;
    ELSIF octet_length(new.query) > 1048576 THEN
        PERFORM df._violates('nodes', 'nodes_query_size_chk');
    ELSIF octet_length(new.result_name) > 256 THEN
        PERFORM df._violates('nodes', 'nodes_result_name_size_chk');
    ELSIF octet_length(new.database) > 63 THEN
        PERFORM df._violates('nodes', 'nodes_database_size_chk');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION df._check_sizes() IS
    'Internal: limits of a definition, in bytes: label 4096, variables and the query of a node 1 MiB each.';
CREATE TRIGGER instances_check_sizes BEFORE INSERT ON df.instances FOR EACH ROW
    WHEN (octet_length(new.label) > 4096 OR octet_length(new.database) > 63 OR new.vars IS NOT NULL)
    EXECUTE FUNCTION df._check_sizes();
CREATE TRIGGER nodes_check_sizes BEFORE INSERT ON df.nodes FOR EACH ROW
    WHEN (octet_length(new.query) > 1048576 OR octet_length(new.result_name) > 256 OR octet_length(new.database) > 63)
    EXECUTE FUNCTION df._check_sizes();
-- The reason of a cancellation is written by users and read by the worker.
CREATE TRIGGER instances_check_reason BEFORE UPDATE OF cancel_reason ON df.instances FOR EACH ROW
    WHEN (octet_length(new.cancel_reason) > 65536) EXECUTE FUNCTION df._check_sizes();

-- The checks of V1 once more, with operators that the search_path of whoever inserts cannot replace: an operator ~ of a
-- user's own let every id pass. Qualified in place of a SET clause, which costs more than the checks.
CREATE OR REPLACE FUNCTION df._check_instance() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT coalesce(new.id::pg_catalog.text OPERATOR(pg_catalog.~) '^[0-9a-f]{8}$', false) THEN
        PERFORM df._violates('instances', 'instances_id_format_chk');
    ELSIF NOT coalesce(new.root_node::pg_catalog.text OPERATOR(pg_catalog.~) '^[0-9a-f]{8}$', false) THEN
        PERFORM df._violates('instances', 'instances_root_node_format_chk');
    ELSIF pg_catalog.jsonb_typeof(new.vars) OPERATOR(pg_catalog.<>) 'object' THEN
        PERFORM df._violates('instances', 'instances_vars_chk');
    END IF;
    RETURN new;
END
$$;

CREATE OR REPLACE FUNCTION df._check_node() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF new.submitted_by IS NULL THEN
        PERFORM df._violates('nodes', 'nodes_submitted_by_present_chk');
    ELSIF new.id::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_id_format_chk');
    ELSIF new.instance_id::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_instance_id_format_chk');
    ELSIF new.left_node::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_left_node_format_chk');
    ELSIF new.right_node::pg_catalog.text OPERATOR(pg_catalog.!~) '^[0-9a-f]{8}$' THEN
        PERFORM df._violates('nodes', 'nodes_right_node_format_chk');
    ELSIF new.node_type OPERATOR(pg_catalog.<>) ALL ('{SQL,THEN,IF,JOIN,LOOP,BREAK,RACE,SLEEP,WAIT_SCHEDULE,HTTP,HTTP_MULTIPART,SIGNAL}'::pg_catalog.text[]) THEN
        PERFORM df._violates('nodes', 'nodes_node_type_chk');
    ELSIF new.result_name OPERATOR(pg_catalog.!~) '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        PERFORM df._violates('nodes', 'nodes_result_name_chk');
    ELSIF NOT (CASE
        WHEN new.left_node IS NULL THEN new.right_node IS NULL AND new.query IS NOT NULL
            AND new.node_type OPERATOR(pg_catalog.=) ANY ('{SQL,SLEEP,WAIT_SCHEDULE,BREAK,HTTP,HTTP_MULTIPART,SIGNAL}'::pg_catalog.text[])
        WHEN new.right_node IS NULL THEN new.node_type OPERATOR(pg_catalog.=) 'LOOP'
        WHEN new.query IS NULL THEN new.node_type OPERATOR(pg_catalog.=) ANY ('{THEN,RACE,JOIN}'::pg_catalog.text[])
        ELSE new.node_type OPERATOR(pg_catalog.=) ANY ('{IF,JOIN}'::pg_catalog.text[])
    END) THEN
        PERFORM df._violates('nodes', 'nodes_structure_chk');
    END IF;
    RETURN new;
END
$$;
