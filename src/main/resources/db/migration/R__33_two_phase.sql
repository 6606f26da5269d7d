-- Citus: what a transaction writes on other nodes is committed together with what it writes here (docs/adr/0245).
--
-- Citus commits what went to one node alone before the coordinator's own commit: a crash in between leaves the effect of a step
-- without its checkpoint. It uses two-phase commit for all nodes as soon as the transaction has a statement that could change a table
-- of the coordinator which Citus knows. df._two_phase is that table, and it is empty: no row is written, nobody waits for anybody.
--
-- Whether Citus is there is asked of the catalog each time, in a query that is executed anyhow: pg_catalog, where nobody but a
-- superuser can make anything. It takes less than a microsecond, and is right from the extension's first transaction to its last.

CREATE OR REPLACE FUNCTION df._is_of_coordinator(p_relation regclass) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = p_relation
                   AND p.partmethod = 'n' AND p.repmodel <> 't' AND p.colocationid = 0);
END
$$;
COMMENT ON FUNCTION df._is_of_coordinator(regclass) IS 'Internal: whether Citus knows the table as one of the coordinator alone. Only where Citus is.';

-- Called by functions that run as the owner, whose table it is.
CREATE OR REPLACE FUNCTION df._in_two_phases() RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    -- Off, the statement would go to the coordinator through a session of its own, as the owner.
    v_local CONSTANT text := current_setting('citus.enable_local_execution', true);
    v_nothing text;
BEGIN
    IF df._is_of_coordinator(to_regclass('df._two_phase')) THEN
        IF v_local = 'off' THEN
            v_nothing := set_config('citus.enable_local_execution', 'on', true);
        END IF;
        DELETE FROM df._two_phase;
        IF v_local = 'off' THEN
            v_nothing := set_config('citus.enable_local_execution', v_local, true);
        END IF;
    ELSIF EXISTS (SELECT FROM pg_dist_node n WHERE n.groupid <> 0) THEN
        RAISE EXCEPTION 'perdure: Citus has nodes, and schema df is not ready for them yet: what is written there could not be committed together with what is written in schema df'
            USING ERRCODE = 'DF006', HINT = 'The worker that leads makes it ready within seconds. If it does not, its log and perdure doctor say why.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._in_two_phases() IS
    'Internal: makes the transaction one of two phases, where Citus has nodes. Returns NULL.';

-- Definer: the table is the owner's. Runs no user code.
CREATE OR REPLACE FUNCTION df._commit_in_two_phases() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._in_two_phases();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._commit_in_two_phases() IS
    'Internal: makes the writes of a program on other nodes of Citus and its answer to a workflow one commit.';

-- All that a program can tell in a transaction of its own. Starts and checkpoints call the function themselves, where they look at
-- the catalog in any case.
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY '{signals,_cancels,_start_requests,_activity_calls,_redrives,_map_changes,_schedule_changes,_definition_changes,_queue_changes,vars}'::text[] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON df.%I FOR EACH STATEMENT
            WHEN (pg_catalog.to_regclass(''pg_catalog.pg_dist_partition'') IS NOT NULL) EXECUTE FUNCTION df._commit_in_two_phases()',
            ltrim(v_table, '_') || '_two_phases', v_table);
    END LOOP;
END
$$;

---------------------------------------------------------------------------------------------------------------------
-- For the worker
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._citus_problem() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_tables text[];
    v_tenant boolean;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
        RETURN NULL;
    ELSIF EXISTS (SELECT FROM pg_dist_local_group g WHERE g.groupid <> 0) THEN
        RETURN 'this server is a node of Citus, and schema df works on the coordinator only: give the worker the address of the coordinator';
    END IF;
    SELECT array_agg(p.logicalrelid::text ORDER BY 1) INTO v_tables
    FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid
    WHERE c.relnamespace = 'df'::regnamespace AND NOT (c.relname = '_two_phase' AND df._is_of_coordinator(p.logicalrelid));
    IF v_tables IS NULL THEN
        RETURN NULL;
    END IF;
    IF to_regclass('pg_catalog.pg_dist_schema') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM pg_dist_schema s WHERE s.schemaid = ''df''::regnamespace)' INTO v_tenant;
    END IF;
    RETURN format('Citus has distributed, or taken over, %s of schema df, which must be plain: %s', array_to_string(v_tables[1:3], ', ')
            || CASE WHEN cardinality(v_tables) > 3 THEN format(' and %s more', cardinality(v_tables) - 3) ELSE '' END,
        CASE WHEN v_tenant THEN 'SELECT citus_schema_undistribute(''df'')'
             ELSE format('SELECT undistribute_table(%L)', v_tables[1]) END);
END
$$;
COMMENT ON FUNCTION df._citus_problem() IS
    'Why no worker can work in this database, where Citus is in the way; NULL for no reason. Asks no other node.';

CREATE OR REPLACE FUNCTION df._prepare_two_phases() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_left text;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
        RETURN false;
    ELSIF NOT EXISTS (SELECT FROM pg_dist_node n WHERE n.groupid <> 0) THEN
        RETURN false;
    ELSIF df._is_of_coordinator(to_regclass('df._two_phase')) THEN
        RETURN true;
    END IF;
    -- The table is there where it is needed alone. With its extension Citus drops it, and may leave its shard.
    FOR v_left IN SELECT c.relname FROM pg_class c
                  WHERE c.relnamespace = 'df'::regnamespace AND c.relname ~ '^_two_phase_[0-9]+$' AND c.relkind = 'r' LOOP
        EXECUTE format('DROP TABLE df.%I', v_left);
    END LOOP;
    IF to_regclass('df._two_phase') IS NULL THEN
        CREATE TABLE df._two_phase (nothing integer NOT NULL, CONSTRAINT _two_phase_pkey PRIMARY KEY (nothing));
        ALTER TABLE df._two_phase ENABLE ROW LEVEL SECURITY;
        COMMENT ON TABLE df._two_phase IS
            'Always empty. Known to Citus as a table of the coordinator: a statement on it makes the transaction one of two phases.';
    END IF;
    IF NOT df._is_of_coordinator('df._two_phase'::regclass) THEN
        PERFORM citus_add_local_table_to_metadata('df._two_phase'::regclass);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION df._prepare_two_phases() IS
    'Makes schema df ready for the other nodes of Citus, if there are any: then true. The owner calls it, through the worker, when a term begins and every few seconds.';

-- Only a superuser can end what others have prepared. Citus does so itself, at once when its coordinator has started again, and every
-- citus.recover_2pc_interval.
CREATE OR REPLACE FUNCTION df._look_at_nodes(OUT problem text, OUT unreached text, OUT prepared text[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    SELECT string_agg(CASE WHEN g.place = 1 AND g.word = '0' THEN format('%s:%s', n.nodename, n.nodeport) END, ', '),
           string_agg(CASE WHEN NOT n.success THEN format('%s:%s (%s)', n.nodename, n.nodeport, n.result) END, ', '),
           coalesce(array_agg(g.word) FILTER (WHERE g.place > 1), '{}')
    INTO problem, unreached, prepared
    FROM run_command_on_workers($q$SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('max_prepared_transactions'),
             (SELECT pg_catalog.string_agg(p.gid, ' ') FROM pg_catalog.pg_prepared_xacts p
              WHERE p.database OPERATOR(pg_catalog.=) pg_catalog.current_database() AND p.gid OPERATOR(pg_catalog.~) '^citus_0_'))$q$) AS n
    LEFT JOIN LATERAL string_to_table(n.result, ' ') WITH ORDINALITY AS g(word, place) ON n.success;
    -- Of its own shards, where a session has reached them like those of another node.
    prepared := prepared || ARRAY(SELECT p.gid FROM pg_prepared_xacts p WHERE p.database = current_database() AND p.gid ~ '^citus_0_');
    IF problem IS NOT NULL THEN
        problem := format('max_prepared_transactions is 0 on %s, so that what a step writes there cannot be committed together with its checkpoint: max_prepared_transactions = 200 or more in postgresql.conf of every node, and a restart', problem);
    END IF;
END
$$;
COMMENT ON FUNCTION df._look_at_nodes() IS
    'The transactions that the coordinator of Citus has prepared on other nodes and not ended. problem: the reason why no worker can lead; unreached: nodes that did not answer.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace
                 AND p.proname IN ('_is_of_coordinator', '_in_two_phases', '_commit_in_two_phases', '_citus_problem',
                                   '_prepare_two_phases', '_look_at_nodes')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
