-- Which role may have which secret sent in its HTTP requests. Values are not in the database: they are files of the worker.

CREATE TABLE df.secret_grants (
    name text NOT NULL
        CONSTRAINT secret_grants_name_chk
            CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,252})?$'),
    role oid NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, role)
);
COMMENT ON TABLE df.secret_grants IS 'Which role may use which secret in HTTP requests; see df.grant_secret.';
COMMENT ON COLUMN df.secret_grants.role IS 'The role, whose members may use the secret too; 0 is PUBLIC.';

ALTER TABLE df.secret_grants ENABLE ROW LEVEL SECURITY;
-- Everybody sees what concerns them.
CREATE POLICY secret_grants_own ON df.secret_grants FOR SELECT
    USING (role = 0 OR pg_catalog.pg_has_role(role, 'USAGE'));
GRANT SELECT ON df.secret_grants TO PUBLIC;
