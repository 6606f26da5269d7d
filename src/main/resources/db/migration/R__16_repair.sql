-- What a restore, or logical replication, leaves out: operators, which are not in schema df, and the state of sequences. And whose
-- rows these are. A worker calls it each time it starts.

---------------------------------------------------------------------------------------------------------------------
-- Operators
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._operators() RETURNS TABLE (name text, lefttype text, function regprocedure, comment text)
LANGUAGE sql STABLE ROWS 8
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT * FROM (VALUES
        ('~>',  'text', 'df.seq(text,text)'::regprocedure,   'Runs left, then right (df.seq).'),
        ('|=>', 'text', 'df.as_op(text,text)',               'Names the result of a step (df.as).'),
        ('|=',  'text', 'df.as_op(text,text)',               'Second spelling of |=>.'),
        ('&',   'text', 'df."join"(text,text)',              'Runs both at once, waits for both (df.join).'),
        ('|',   'text', 'df.race(text,text)',                'Runs both at once, the first to end decides (df.race).'),
        ('?>',  'text', 'df.if_then_op(text,text)',          'condition ?> then !> else (df.if).'),
        ('!>',  'text', 'df.if_else_op(text,text)',          'condition ?> then !> else (df.if).'),
        ('@>',  'none', 'df.loop_prefix_op(text)',           'Repeats the operand without end (df.loop).'))
        AS v(name, lefttype, function, comment)
$$;
COMMENT ON FUNCTION df._operators() IS 'Internal: the operators of the workflow language.';

CREATE OR REPLACE FUNCTION df._missing_operators() RETURNS TABLE (name text, lefttype text, function regprocedure, comment text)
LANGUAGE sql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT v.* FROM df._operators() AS v
    WHERE NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprname = v.name AND o.oprcode::oid = v.function::oid)
$$;
COMMENT ON FUNCTION df._missing_operators() IS 'Internal: those of them that are in no schema.';

-- There is no CREATE OR REPLACE OPERATOR. The schema is that of the others, or public, unless the session that installs says otherwise:
-- SET perdure.operator_schema = 'df' (users then need df in their search_path), or pg_catalog for superusers.
CREATE OR REPLACE FUNCTION df._create_operators() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    target text := coalesce(
        nullif(current_setting('perdure.operator_schema', true), ''),
        (SELECT n.nspname FROM pg_operator o JOIN df._operators() AS v ON o.oprname = v.name AND o.oprcode::oid = v.function::oid
         JOIN pg_namespace n ON n.oid = o.oprnamespace GROUP BY n.nspname ORDER BY count(*) DESC LIMIT 1),
        'public');
    created integer := 0;
    op record;
    present regprocedure;
BEGIN
    IF NOT EXISTS (SELECT FROM df._missing_operators()) THEN
        RETURN 0;
    END IF;
    IF to_regnamespace(quote_ident(target)) IS NULL THEN
        RAISE EXCEPTION 'schema "%" for the operators of Perdure does not exist', target
            USING HINT = 'Create it, or name another one in the setting perdure.operator_schema.';
    END IF;
    IF has_schema_privilege('public', target, 'CREATE') THEN
        RAISE WARNING 'every role may create objects in schema "%", where the operators of Perdure live', target
            USING HINT = format('A role could define operators there that capture other roles'' expressions: REVOKE CREATE ON SCHEMA %I FROM PUBLIC.', target);
    END IF;
    FOR op IN SELECT * FROM df._missing_operators() LOOP
        SELECT o.oprcode::oid::regprocedure INTO present FROM pg_operator o
        WHERE o.oprname = op.name AND o.oprnamespace = to_regnamespace(quote_ident(target))
            AND o.oprleft = CASE op.lefttype WHEN 'none' THEN 0 ELSE 'text'::regtype END
            AND o.oprright = 'text'::regtype;
        IF present IS NOT NULL THEN
            RAISE EXCEPTION 'operator %.% (%, text) exists already and belongs to another role: it calls %',
                    quote_ident(target), op.name, op.lefttype, present
                USING HINT = 'Drop it, or install the operators elsewhere with the setting perdure.operator_schema.';
        END IF;
        EXECUTE format('CREATE OPERATOR %I.%s (%s RIGHTARG = text, FUNCTION = %s)', target, op.name,
            CASE op.lefttype WHEN 'none' THEN '' ELSE 'LEFTARG = text,' END,
            split_part(op.function::text, '(', 1));
        EXECUTE format('COMMENT ON OPERATOR %I.%s (%s, text) IS %L', target, op.name, op.lefttype, op.comment);
        created := created + 1;
    END LOOP;
    RETURN created;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'role "%" may not create the operators of Perdure in schema "%": %', current_user, target, sqlerrm
        USING ERRCODE = 'insufficient_privilege',
              HINT = format('GRANT CREATE ON SCHEMA %I TO %I, or name another schema in the setting perdure.operator_schema.', target, current_user);
END
$$;
COMMENT ON FUNCTION df._create_operators() IS 'Internal: creates the operators that are missing; returns how many.';

---------------------------------------------------------------------------------------------------------------------
-- Sequences
---------------------------------------------------------------------------------------------------------------------

-- Those of identities, whichever tables have one.
CREATE OR REPLACE FUNCTION df._sequences_behind() RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_identity record;
    v_behind boolean;
BEGIN
    FOR v_identity IN
        SELECT c.relname, a.attname, pg_get_serial_sequence(format('df.%I', c.relname), a.attname) AS sequence
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped
        WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r'
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT (SELECT max(t.%I) FROM df.%I AS t) >= q.last_value + q.is_called::int FROM %s AS q',
                       v_identity.attname, v_identity.relname, v_identity.sequence) INTO v_behind;
        IF v_behind THEN
            RETURN NEXT v_identity.sequence;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._sequences_behind() IS 'Internal: sequences whose next value a row has already.';

CREATE OR REPLACE FUNCTION df._advance_sequences() RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_sequence text;
BEGIN
    FOR v_sequence IN SELECT b FROM df._sequences_behind() AS b LOOP
        EXECUTE (SELECT format('SELECT setval(%L, (SELECT max(t.%I) FROM df.%I AS t))', v_sequence, a.attname, c.relname)
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped
                 WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r'
                   AND pg_get_serial_sequence(format('df.%I', c.relname), a.attname) = v_sequence);
        RETURN NEXT v_sequence;
    END LOOP;
END
$$;
COMMENT ON FUNCTION df._advance_sequences() IS 'Internal: sets them behind their rows; returns which.';

---------------------------------------------------------------------------------------------------------------------
-- Whose rows these are
---------------------------------------------------------------------------------------------------------------------

-- Who confirms that this is where work goes on confirms it of all rows.
CREATE OR REPLACE FUNCTION df._forget_origins() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    DELETE FROM df._origins;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._forget_origins() IS 'Internal: goes with UPDATE df._epoch SET system_identifier = NULL.';
CREATE OR REPLACE TRIGGER epoch_confirmed AFTER UPDATE OF system_identifier ON df._epoch
    FOR EACH ROW WHEN (new.system_identifier IS NULL) EXECUTE FUNCTION df._forget_origins();

CREATE OR REPLACE FUNCTION df._stranger(p_system_identifier text, p_database_oid text)
RETURNS TABLE (system_identifier text, database_oid text)
LANGUAGE sql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT s.system_identifier, s.database_oid::text
    FROM (SELECT e.system_identifier, e.database_oid FROM df._epoch e WHERE e.system_identifier IS NOT NULL
          UNION ALL SELECT o.system_identifier, o.database_oid FROM df._origins o) AS s
    WHERE s.system_identifier <> p_system_identifier OR s.database_oid::text <> p_database_oid
    LIMIT 1
$$;
COMMENT ON FUNCTION df._stranger(text, text) IS
    'Internal: a server and database other than this one that these rows, or some of them, belong to.';

-- Rows that were copied have the numbers of transactions of the server that they are from. One that this server has not counted up
-- to, or that a transaction of its own has at this moment, is in no snapshot: what it stands for would be left out at take-over, or
-- named with every look. A page at a time, since a leader gives up what does not answer within seconds.
CREATE OR REPLACE FUNCTION df._renumber(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
DECLARE
    v_now pg_snapshot;
    v_count integer;
    v_sum integer := 0;
BEGIN
    PERFORM FROM df._epoch WHERE system_identifier IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    v_now := pg_current_snapshot();
    UPDATE df._inbox u SET xid = pg_current_xact_id()
    WHERE u.instance_id = ANY (ARRAY(
        SELECT x.instance_id FROM df._inbox x WHERE NOT pg_visible_in_snapshot(x.xid, v_now) LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_sum := v_sum + v_count;
    UPDATE df._cancels u SET xid = pg_current_xact_id()
    WHERE u.instance_id = ANY (ARRAY(
        SELECT x.instance_id FROM df._cancels x WHERE NOT pg_visible_in_snapshot(x.xid, v_now) LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_sum := v_sum + v_count;
    UPDATE df.signals u SET xid = pg_current_xact_id()
    WHERE u.id = ANY (ARRAY(
        SELECT x.id FROM df.signals x
        WHERE x.consumed_at IS NULL AND NOT pg_visible_in_snapshot(x.xid, v_now) LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_sum := v_sum + v_count;
    UPDATE df._events u SET xid = pg_current_xact_id()
    WHERE u.id = ANY (ARRAY(
        SELECT x.id FROM df._events x WHERE NOT pg_visible_in_snapshot(x.xid, v_now) LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_sum + v_count;
END
$$;
COMMENT ON FUNCTION df._renumber(integer) IS
    'Internal: gives rows that were copied from another server a transaction of this one, p_limit of each table; returns how many. Called until it returns 0, before df._settle_at.';

CREATE OR REPLACE FUNCTION df._settle_at(p_system_identifier text, p_database_oid text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    UPDATE df._epoch SET system_identifier = p_system_identifier, database_oid = p_database_oid::oid
    WHERE system_identifier IS NULL;
    INSERT INTO df._origins (system_identifier, database_oid) VALUES (p_system_identifier, p_database_oid::oid)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION df._settle_at(text, text) IS 'Internal: writes down that these rows belong to this server and database.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace
                 AND p.proname IN ('_operators', '_missing_operators', '_create_operators', '_sequences_behind',
                                   '_advance_sequences', '_forget_origins', '_renumber', '_settle_at', '_stranger') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
    PERFORM df._create_operators();
END
$$;
