-- What the worker calls in a submitter's session between steps (architecture 4). With the caller's rights, which are all that
-- is needed. One call in place of four to eight statements, each of which the server and the driver would parse, describe and
-- answer by itself.
--
-- None of them has a SET clause: RESET ALL would be undone at its end. So everything is qualified, operators too; what the
-- utility statements name are no objects.

-- RESET ALL returns to what the startup packet held, unless a pooler has held that back.
CREATE OR REPLACE FUNCTION df._pin_session() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    SET standard_conforming_strings = on;
    SET backslash_quote = safe_encoding;
    SET IntervalStyle = 'postgres';
    SET bytea_output = 'hex';
    SET extra_float_digits = 1;
    SET idle_in_transaction_session_timeout = '60s';
    SET idle_session_timeout = 0;
    SET client_min_messages = error;
    SET df.in_workflow = 'true';
    SET application_name = 'perdure-step';
    IF (pg_catalog.current_setting('standard_conforming_strings') OPERATOR(pg_catalog.||)
            pg_catalog.current_setting('client_encoding') OPERATOR(pg_catalog.||)
            pg_catalog.current_setting('bytea_output') OPERATOR(pg_catalog.||)
            pg_catalog.current_setting('IntervalStyle')) OPERATOR(pg_catalog.<>) 'onUTF8hexpostgres' THEN
        RAISE EXCEPTION 'the settings of this session cannot be reset' USING ERRCODE = '55000';
    END IF;
END
$$;
COMMENT ON FUNCTION df._pin_session() IS
    'Internal: sets the pinned settings in a session of a submitter whose startup packet did not reach the server.';

CREATE OR REPLACE FUNCTION df._renew_session() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing pg_catalog.text;
BEGIN
    -- Dynamic, since PL/pgSQL takes it for a statement of its own.
    EXECUTE 'CLOSE ALL';
    UNLISTEN *;
    SET SESSION AUTHORIZATION DEFAULT;
    RESET ALL;
    -- What RESET ALL returns to is the zone of the worker's machine: the driver sends it.
    SET TimeZone = 'UTC';
    -- Ours are not prepared by name: what is there is a user's, and could stand in for nothing.
    DEALLOCATE ALL;
    DISCARD TEMP;
    DISCARD SEQUENCES;
    nothing := pg_catalog.pg_advisory_unlock_all();
    IF pg_catalog.concat(pg_catalog.current_setting('standard_conforming_strings'),
                         pg_catalog.current_setting('client_encoding'),
                         pg_catalog.current_setting('bytea_output'),
                         pg_catalog.current_setting('IntervalStyle'),
                         pg_catalog.current_setting('df.in_workflow', true)) OPERATOR(pg_catalog.<>) 'onUTF8hexpostgrestrue' THEN
        nothing := df._pin_session();
    END IF;
END
$$;
COMMENT ON FUNCTION df._renew_session() IS
    'Internal: removes the leftovers of a step in its session: cursors, LISTEN, role, settings, prepared statements, temporary tables, the state of sequences, advisory locks.';

-- Statements travel behind one another in one message: the server reads the text of the next step only after this has run, with
-- the settings that this returns to. So what decides how text is read and written is checked here, before and after.
CREATE OR REPLACE FUNCTION df._between_steps(statement_millis bigint, lock_millis bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing pg_catalog.text;
    -- What the steps before have published (R__21_events.sql): the reset would take it away.
    told pg_catalog.text := pg_catalog.current_setting('df.told', true);
BEGIN
    -- First, with what the step before has set: what it violates is its own fault.
    IF pg_catalog.current_setting('client_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'a step cannot change client_encoding' USING ERRCODE = '0A000';
    END IF;
    IF NOT pg_catalog.starts_with(pg_catalog.current_setting('DateStyle'), 'ISO') THEN
        RAISE EXCEPTION 'a step cannot change DateStyle' USING ERRCODE = '0A000';
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    nothing := df._renew_session();
    nothing := pg_catalog.concat(
        pg_catalog.set_config('statement_timeout', statement_millis::pg_catalog.text, true),
        pg_catalog.set_config('lock_timeout', lock_millis::pg_catalog.text, true),
        CASE WHEN told OPERATOR(pg_catalog.<>) '' THEN pg_catalog.set_config('df.told', told, true) END);
END
$$;
COMMENT ON FUNCTION df._between_steps(bigint, bigint) IS
    'Internal: checks deferred constraints, and makes the session ready for a step that joins the transaction, with its limits in milliseconds.';

-- User code that would run at COMMIT runs here, before the checkpoint: triggers of deferred constraints, and the queries of
-- cursors WITH HOLD. What is left of it has our limits: a role whose statements may take 100 ms must not lose its steps because
-- the checkpoint waits for a row of ours.
CREATE OR REPLACE FUNCTION df._before_checkpoint(lock_millis bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing pg_catalog.text;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE 'CLOSE ALL';
    nothing := pg_catalog.concat(
        pg_catalog.set_config('statement_timeout', '60000', true),
        pg_catalog.set_config('lock_timeout', lock_millis::pg_catalog.text, true));
END
$$;
COMMENT ON FUNCTION df._before_checkpoint(bigint) IS
    'Internal: precedes the checkpoint in a step''s transaction.';
