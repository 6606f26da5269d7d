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
