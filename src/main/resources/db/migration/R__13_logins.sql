-- The worker's knowledge of submitters and of logging in as them. All of it is the owner's.

CREATE OR REPLACE FUNCTION df._role(p_role bigint) RETURNS TABLE (name text, problem text)
LANGUAGE sql STABLE STRICT ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT r.rolname::text, CASE
        WHEN r.rolsuper AND lower(df._setting('enable_superuser_instances', 'off')) NOT IN ('on', 'true', 'yes', '1')
            THEN format('submitted_by role "%s" is a superuser, but pg_durable.enable_superuser_instances is off', r.rolname)
        WHEN NOT r.rolsuper AND pg_has_role(r.oid, s.nspowner, 'MEMBER')
            THEN format('submitted_by role "%s" is a member of the owner of schema df; its steps could change the worker''s own tables',
                        r.rolname)
        END
    FROM pg_roles r, pg_namespace s
    WHERE r.oid = p_role::oid AND s.nspname = 'df'
$$;
COMMENT ON FUNCTION df._role(bigint) IS
    'The present name of a role, and the reason against steps of it; no row when it was dropped.';

CREATE OR REPLACE FUNCTION df._login_failed(p_epoch bigint, p_role bigint, p_problem text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._fence(p_epoch);
    INSERT INTO df._logins AS l (role_oid, problem, failed_at, checked_at)
    VALUES (p_role::oid, p_problem, clock_timestamp(), clock_timestamp())
    ON CONFLICT (role_oid) DO UPDATE SET problem = excluded.problem, checked_at = excluded.checked_at;
END
$$;
COMMENT ON FUNCTION df._login_failed(bigint, bigint, text) IS 'Remembers that the worker cannot log in as a role.';

CREATE OR REPLACE FUNCTION df._login_works(p_epoch bigint, p_role bigint) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._fence(p_epoch);
    DELETE FROM df._logins WHERE role_oid = p_role::oid;
END
$$;
COMMENT ON FUNCTION df._login_works(bigint, bigint) IS 'Forgets that the worker could not log in as a role.';

CREATE OR REPLACE FUNCTION df._begin_logins(p_epoch bigint, p_passwords boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._fence(p_epoch);
    DELETE FROM df._logins;
    UPDATE df._wake SET passwords = p_passwords WHERE passwords <> p_passwords;
END
$$;
COMMENT ON FUNCTION df._begin_logins(bigint, boolean) IS
    'Forgets the logins of earlier terms, and records whether this worker has passwords.';

REVOKE EXECUTE ON FUNCTION df._role(bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._login_failed(bigint, bigint, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._login_works(bigint, bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION df._begin_logins(bigint, boolean) FROM PUBLIC;
