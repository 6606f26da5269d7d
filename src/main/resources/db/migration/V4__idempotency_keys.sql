-- A key under which df.start starts one instance only (options => '{"idempotency_key": "…"}').
--
-- The index is what makes two sessions that start at once agree: the second waits for the first one's transaction. It
-- names the submitter first, so that nobody can take a key away from somebody else, or learn that it is used.

ALTER TABLE df.instances ADD COLUMN idempotency_key text;
COMMENT ON COLUMN df.instances.idempotency_key IS
    'Key given to df.start: the same role gets this instance again for it, for as long as the row is kept.';

CREATE UNIQUE INDEX instances_idempotency_key ON df.instances (submitted_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Whoever may start instances already may do so with a key too. df.grant_usage covers those to come.
DO $$
DECLARE
    grantee record;
BEGIN
    FOR grantee IN
        SELECT a.grantee AS oid, bool_or(a.is_grantable) AS may_grant
        FROM pg_catalog.pg_attribute c, pg_catalog.aclexplode(c.attacl) a
        WHERE c.attrelid = 'df.instances'::regclass AND c.attname = 'root_node' AND a.privilege_type = 'INSERT'
        GROUP BY a.grantee
    LOOP
        EXECUTE format('GRANT INSERT (idempotency_key) ON df.instances TO %s%s',
            CASE WHEN grantee.oid = 0 THEN 'PUBLIC' ELSE grantee.oid::regrole::text END,
            CASE WHEN grantee.may_grant THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$;
