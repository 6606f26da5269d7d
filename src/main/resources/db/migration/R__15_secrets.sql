-- Secrets in HTTP requests: references, and who may use which.

CREATE OR REPLACE FUNCTION df._check_secret_name(p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF p_name !~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,252})?$' THEN
        RAISE EXCEPTION 'Invalid secret name ''%''', p_name USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A name is a file, or a directory and a file: letters, digits, points, dashes and underscores.';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_secret_name(text) IS 'Internal: raises an error unless the text can be the name of a secret.';

CREATE OR REPLACE FUNCTION df.secret(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._check_secret_name(name);
    RETURN concat('{{secret:', name, '}}');
END
$$;
COMMENT ON FUNCTION df.secret(text) IS
    'Reference to a secret, for headers and bodies of df.http. The worker replaces it when it sends the request.';

CREATE OR REPLACE FUNCTION df.grant_secret(p_name text, p_role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF p_name IS NULL THEN
        RAISE EXCEPTION 'the name of the secret must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM df._check_secret_name(p_name);
    INSERT INTO df.secret_grants (name, role) VALUES (p_name, df._grantee_oid(p_role)) ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION df.grant_secret(text, text) IS
    'Grants a role and its members the use of a secret in HTTP requests. Reserved to the owner of schema df.';

CREATE OR REPLACE FUNCTION df.revoke_secret(p_name text, p_role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df.secret_grants WHERE name = p_name AND role = df._grantee_oid(p_role);
END
$$;
COMMENT ON FUNCTION df.revoke_secret(text, text) IS
    'Revokes a grant of df.grant_secret. Requests that have not been sent yet fail.';

-- A role has what was granted to it, to a role that it is a member of, or to PUBLIC.
CREATE OR REPLACE FUNCTION df._refused_secrets(p_instance text, p_names text[]) RETURNS SETOF text
LANGUAGE sql STABLE STRICT ROWS 5
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT wanted.name FROM unnest(p_names) AS wanted(name)
    WHERE NOT EXISTS (
        SELECT FROM df.secret_grants g
        JOIN df.instances i ON i.id = p_instance
        WHERE g.name = wanted.name
          AND (g.role = 0
               OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role) AND pg_has_role(i.submitted_by, g.role, 'USAGE')))
$$;
COMMENT ON FUNCTION df._refused_secrets(text, text[]) IS
    'The secrets of the given ones that the submitter of an instance may not use at this moment.';

REVOKE EXECUTE ON FUNCTION df._refused_secrets(text, text[]) FROM PUBLIC;

-- Taken from PUBLIC once. A later run of this file must not take away what an administrator has granted since.
DO $$
DECLARE
    sensitive regprocedure;
BEGIN
    FOREACH sensitive IN ARRAY ARRAY['df.grant_secret(text,text)', 'df.revoke_secret(text,text)']::regprocedure[] LOOP
        IF (SELECT proacl FROM pg_catalog.pg_proc WHERE oid = sensitive) IS NULL THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', sensitive);
        END IF;
    END LOOP;
END
$$;
