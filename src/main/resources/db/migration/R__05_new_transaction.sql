-- df.start with transaction_mode => 'new' (specification 2.1): the start runs in a session of its own, which dblink opens
-- to this very database as the effective role. Two ways lead there (ADR 31):
--   1. a foreign server perdure_loopback of dblink_fdw, with a user mapping and a password for each role: what managed
--      PostgreSQL allows;
--   2. dblink_connect_u, granted to the owner of schema df, where roles log in without a password.
-- Like the other parts of df.start these functions are called with its search_path, pg_catalog alone.

-- By catalog, since an extension can be installed into any schema.
CREATE OR REPLACE FUNCTION df._dblink_schema() RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE e.extname = 'dblink');
END
$$;
COMMENT ON FUNCTION df._dblink_schema() IS 'Internal: the schema of the extension dblink, quoted; NULL when it is not installed.';

-- Definer: dblink_connect_u logs in without a password, so that only the owner of schema df may be granted it. Logs in as
-- nobody but the role whose code has just written the token, in this transaction. Runs no code of the caller: the
-- connection string is made of catalog names and of a setting that only the owner writes.
CREATE OR REPLACE FUNCTION df._open_loopback(p_connection text, p_token uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_role text;
BEGIN
    DELETE FROM df._launches l USING pg_roles r
    WHERE l.token = p_token AND l.asked_in = pg_current_xact_id() AND r.oid = l.role
    RETURNING r.rolname INTO v_role;
    IF v_role IS NULL THEN
        RAISE EXCEPTION 'df._open_loopback() is called by df.start() only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT %s.dblink_connect_u($1::text, $2::text)', df._dblink_schema())
    USING p_connection, format('port=%s %s dbname=''%s'' user=''%s'' application_name=perdure-new-transaction connect_timeout=30',
        current_setting('port'), df._setting('loopback', 'host=127.0.0.1'),
        regexp_replace(current_database(), '([\\''])', '\\\1', 'g'), regexp_replace(v_role, '([\\''])', '\\\1', 'g'));
END
$$;
COMMENT ON FUNCTION df._open_loopback(text, uuid) IS
    'Internal: opens the dblink connection p_connection to this database as the role that wrote the token.';

CREATE OR REPLACE FUNCTION df._connect_loopback(connection text, dblink text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    server text := df._setting('loopback_server', 'perdure_loopback');
    ticket uuid := gen_random_uuid();
BEGIN
    IF EXISTS (SELECT FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
               WHERE s.srvname = server AND w.fdwname = 'dblink_fdw' AND has_server_privilege(s.oid, 'USAGE')) THEN
        EXECUTE format('SELECT %s.dblink_connect($1::text, $2::text)', dblink) USING connection, server;
    ELSIF has_function_privilege((SELECT nspowner FROM pg_namespace WHERE nspname = 'df'),
                                 dblink || '.dblink_connect_u(text,text)', 'EXECUTE') THEN
        INSERT INTO df._launches (token) VALUES (ticket);
        PERFORM df._open_loopback(connection, ticket);
    ELSE
        RAISE EXCEPTION 'df.start() with transaction_mode => ''new'' cannot open a session: there is no foreign server % that "%" may use, and the owner of schema df may not execute dblink_connect_u', quote_ident(server), current_user
            USING ERRCODE = 'internal_error',
                  HINT = format('Either GRANT EXECUTE ON FUNCTION %s.dblink_connect_u(text, text) TO %s; where roles log in to this server from itself without a password, or CREATE SERVER %I FOREIGN DATA WRAPPER dblink_fdw with a user mapping for each role (docs/operations.md).',
                      dblink, (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'df'), server);
    END IF;
END
$$;
COMMENT ON FUNCTION df._connect_loopback(text, text) IS
    'Internal: opens a dblink connection to this database as the current role, by the way that is set up.';

-- Session locks, since a slot must be visible to others at once and outlive no session. Anybody may take such locks, whose keys are
-- in this file and in pg_locks. So a role that has none of the slots starts without, even when others have them all: the limit is of each
-- role against itself when somebody else uses it up.
CREATE OR REPLACE FUNCTION df._take_launch_slot() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    slots integer := df._setting('max_new_transaction_starts', '2');
    seconds integer := df._setting('new_transaction_start_timeout', '5');
    deadline timestamptz := clock_timestamp() + make_interval(secs => seconds);
    own integer := ('x' || lpad(to_hex((quote_ident(session_user)::regrole)::oid::bigint), 8, '0'))::bit(32)::integer;
BEGIN
    LOOP
        FOR slot IN 0 .. slots - 1 LOOP
            IF pg_try_advisory_lock(1346847814, slot) THEN
                RETURN;
            END IF;
        END LOOP;
        IF NOT EXISTS (
            SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND d.datname = current_database()
              AND (l.classid = 1346847814 AND l.objid::bigint < slots OR l.classid = 1346847815 AND l.objid = a.usesysid)
              AND a.usename = session_user)
        THEN
            -- So that the next one of this role finds it. Who has taken it away from the role has gained nothing.
            PERFORM pg_try_advisory_lock(1346847815, own);
            RETURN;
        END IF;
        IF clock_timestamp() >= deadline THEN
            RAISE EXCEPTION 'pg_durable: transaction_mode => ''new'' launch limit reached (max_new_transaction_starts=%). Timed out after %s waiting for a launch slot before opening the loopback session.', slots, seconds
                USING ERRCODE = 'internal_error';
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._take_launch_slot() IS
    'Internal: takes one of the slots for starts in a transaction of their own, or fails after the timeout.';

-- Whatever was taken: a statement that is cancelled does not know which.
CREATE OR REPLACE FUNCTION df._give_launch_slot() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_unlock(l.classid::bigint::integer, l.objid::bigint::bit(32)::integer)
    FROM (SELECT x.classid, x.objid FROM pg_locks x
          WHERE x.locktype = 'advisory' AND x.objsubid = 2 AND x.granted AND x.pid = pg_backend_pid()
            AND x.classid IN (1346847814, 1346847815) OFFSET 0) AS l;
END
$$;
COMMENT ON FUNCTION df._give_launch_slot() IS 'Internal: gives back the slot that this session has.';

-- What went wrong, in the words of the specification; NULL when it is not ours to explain (a cancelled caller).
CREATE OR REPLACE FUNCTION df._launch_error(state text, message text, detail text, context text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    remote boolean := context LIKE '%dblink connection named "perdure_start_%';
BEGIN
    RETURN CASE
        WHEN state = '08001' THEN
            format('Failed to connect to database ''%s'' as ''%s''. Error: error returned from database: %s',
                current_database(), current_user, btrim(coalesce(nullif(detail, ''), message), E' \n'))
        WHEN state = '2F003' THEN
            format('Failed to connect to database ''%s'' as ''%s''. Error: %s: %s',
                current_database(), current_user, message, detail)
        WHEN state = '55P03' AND remote THEN
            format('pg_durable: transaction_mode => ''new'' launch hit lock_timeout after 30000ms while waiting on a lock in the loopback session: %s', message)
        WHEN state = '57014' AND remote THEN
            format('pg_durable: transaction_mode => ''new'' launch hit statement_timeout after 30000ms while running df.start() in the loopback session: %s', message)
        WHEN remote THEN
            format('df.start() on new transaction failed: error returned from database: %s', message)
    END;
END
$$;
COMMENT ON FUNCTION df._launch_error(text, text, text, text) IS
    'Internal: the error text for a failed start in a new transaction, or NULL.';

CREATE OR REPLACE FUNCTION df._start_in_new_transaction(fut text, label text, database text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    dblink text := df._dblink_schema();
    connection text := 'perdure_start_' || gen_random_uuid();
    id text;
    state text;
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    IF dblink IS NULL THEN
        RAISE EXCEPTION 'df.start() with transaction_mode => ''new'' needs the extension dblink, which is not installed in database "%"', current_database()
            USING ERRCODE = 'internal_error',
                  HINT = 'A superuser (or who may, on managed PostgreSQL) installs it: CREATE EXTENSION dblink; then docs/operations.md says how it logs in. Without it, call df.start() in a transaction of its own.';
    END IF;
    BEGIN
        PERFORM df._take_launch_slot();
        PERFORM df._connect_loopback(connection, dblink);
        EXECUTE format('SELECT %s.dblink_exec($1::text, $2::text)', dblink) USING connection,
            'SET df.in_workflow = ''false''; SET lock_timeout = 30000; SET statement_timeout = 30000';
        -- The way to log in is configuration: it must lead to this role and this database.
        EXECUTE format('SELECT answer FROM %s.dblink($1::text, $2::text) AS d(answer text)', dblink) INTO id
        USING connection, format(
            'SELECT CASE WHEN current_user::pg_catalog.text OPERATOR(pg_catalog.=) %L AND pg_catalog.current_database()::pg_catalog.text OPERATOR(pg_catalog.=) %L THEN df.start(%L, %L, %L, ''caller'', %L) END',
            current_user, current_database(), fut, label, database, options);
        EXECUTE format('SELECT %s.dblink_disconnect($1::text)', dblink) USING connection;
        -- In here, where a cancelled statement still comes by.
        PERFORM df._give_launch_slot();
    EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
        -- Lock and connection belong to the session, not to the transaction.
        PERFORM df._give_launch_slot();
        EXECUTE format('SELECT %1$s.dblink_disconnect($1) WHERE $1 = ANY (%1$s.dblink_get_connections())', dblink)
        USING connection;
        message := df._launch_error(state, message, detail, context);
        IF message IS NULL THEN
            RAISE;
        END IF;
        IF hint <> '' THEN
            RAISE EXCEPTION '%', message USING ERRCODE = 'internal_error', HINT = hint;
        END IF;
        RAISE EXCEPTION '%', message USING ERRCODE = 'internal_error';
    END;
    IF id IS NULL THEN
        RAISE EXCEPTION 'df.start() on new transaction failed: the session that was opened is not one of "%" in database "%"', current_user, current_database()
            USING ERRCODE = 'internal_error',
                  HINT = 'Look at the user mapping of the foreign server perdure_loopback, or at the setting loopback of df.settings.';
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION df._start_in_new_transaction(text, text, text, jsonb) IS
    'Internal: df.start in another session of the current role, which commits by itself.';
