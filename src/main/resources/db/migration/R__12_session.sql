-- What the worker calls in a submitter's session between steps (architecture 4). With the caller's rights, which are all that
-- is needed. One call in place of four to eight statements, each of which the server and the driver would parse, describe and
-- answer by itself.
--
-- None of them has a SET clause: RESET ALL would be undone at its end. So everything is qualified, operators too; what the
-- utility statements name are no objects.

CREATE OR REPLACE FUNCTION df._clean_session() RETURNS void
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
    DISCARD TEMP;
    DISCARD SEQUENCES;
    nothing := pg_catalog.pg_advisory_unlock_all();
END
$$;
COMMENT ON FUNCTION df._clean_session() IS
    'Internal: removes what a step has left in its session: cursors, LISTEN, role, settings, temporary tables, the state of sequences, advisory locks.';

CREATE OR REPLACE FUNCTION df._next_step(statement_millis integer, lock_millis integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing pg_catalog.text;
BEGIN
    -- First, with what the step before has set: what it violates is its own fault.
    SET CONSTRAINTS ALL IMMEDIATE;
    nothing := df._clean_session();
    nothing := pg_catalog.concat(
        pg_catalog.set_config('statement_timeout', statement_millis::pg_catalog.text, true),
        pg_catalog.set_config('lock_timeout', lock_millis::pg_catalog.text, true));
END
$$;
COMMENT ON FUNCTION df._next_step(integer, integer) IS
    'Internal: checks deferred constraints, and makes the session ready for a step that joins the transaction, with its limits in milliseconds.';

-- User code that would run at COMMIT runs here, before the checkpoint: triggers of deferred constraints, and the queries of
-- cursors WITH HOLD. What is left of it is a limit for locks.
CREATE OR REPLACE FUNCTION df._before_checkpoint(shared boolean, lock_millis integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    nothing pg_catalog.text;
BEGIN
    IF shared THEN
        -- The limit of the last step that joined.
        RESET statement_timeout;
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE 'CLOSE ALL';
    nothing := pg_catalog.set_config('lock_timeout', lock_millis::pg_catalog.text, true);
END
$$;
COMMENT ON FUNCTION df._before_checkpoint(boolean, integer) IS
    'Internal: precedes the checkpoint in a step''s transaction. shared: several steps share it.';

-- What a user prepares in SQL is from_sql, so that a statement of ours that was taken away cannot be put back.
CREATE OR REPLACE FUNCTION df._reset_session() RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    prepared pg_catalog.text;
BEGIN
    prepared := df._clean_session();
    SELECT pg_catalog.concat(
        CASE WHEN pg_catalog.bool_or(pg_catalog.starts_with(pg_catalog.ltrim(p.statement), 'SELECT df.checkpoint_step('))
             THEN 'S' END,
        CASE WHEN pg_catalog.bool_or(pg_catalog.starts_with(pg_catalog.ltrim(p.statement), 'SELECT df.checkpoint('))
             THEN 'D' END)
    INTO prepared
    FROM pg_catalog.pg_prepared_statement() p WHERE NOT p.from_sql;
    RETURN prepared;
END
$$;
COMMENT ON FUNCTION df._reset_session() IS
    'Internal: removes what a step has left in its session. Returns which of the checkpoint calls (S: of one step, D: of a document) the driver has prepared and nobody has replaced.';
