package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.Submitter;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decisive attacks as steps of a chain that shares one transaction (ADR 91), where the session is cleaned without the
 * transaction's end. What a statement does is in a function, since only plain queries share; a switch arms it once the
 * chain is known to be short. Each test makes sure that the chain it attacks is a shared one.
 */
class FusedAttacksTest {

    private static final Pattern DENIED = Pattern.compile(
            "(?i)permission denied|must be|must have|is not allowed|cannot set parameter|not authorised|EXECUTE of"
                    + "|not implemented|cannot (begin|commit|roll)|invalid transaction termination|within security-definer|cannot update view|term 1 is over");
    /** Leaves a mark and tells the transaction. */
    private static final String MARK = "INSERT INTO marks (what, tx) SELECT ''%s'', txid_current()";

    private static Scene scene;

    @BeforeAll
    static void begin() throws SQLException {
        scene = Scene.open(Map.of(
                // Generous, so that a crowded machine does not make a short statement long.
                "perdure.step.share-below",
                "500ms",
                "perdure.step.max-concurrent",
                "4",
                "perdure.step.max-concurrent-per-role",
                "1"));
        scene.database.asSuperuser("CREATE ROLE fused_friend; GRANT fused_friend TO mallory;"
                + " CREATE SCHEMA fused AUTHORIZATION mallory");
        scene.mallory.execute(
                """
                CREATE TABLE marks (id bigserial, what text, tx bigint, who text DEFAULT current_user);
                GRANT ALL ON marks TO fused_friend; GRANT ALL ON SEQUENCE marks_id_seq TO fused_friend;
                CREATE TABLE switch (armed text);
                CREATE FUNCTION attack() RETURNS text LANGUAGE plpgsql AS $$
                DECLARE deed text := (SELECT armed FROM switch);
                BEGIN
                    IF deed IS NOT NULL THEN EXECUTE deed; END IF;
                    RETURN deed;
                END $$""");
    }

    @AfterAll
    static void end() throws SQLException {
        scene.assertTimersRan();
        scene.close();
        scene.database.asSuperuser("DROP OWNED BY fused_friend");
    }

    @BeforeEach
    void disarm() throws SQLException {
        scene.mallory.execute("TRUNCATE marks; TRUNCATE switch");
    }

    private static String mark(String what) {
        return "'" + MARK.formatted(what) + "'";
    }

    /** Runs the chain until it shares one transaction, and arms it. */
    private static void learnAndArm(String workflow, int marks, String deed) throws SQLException {
        scene.mallory.execute("TRUNCATE switch");
        String shares = "SELECT count(*) || ' ' || count(DISTINCT tx) FROM marks";
        for (int i = 0; i < 20; i++) {
            scene.mallory.execute("TRUNCATE marks");
            Submitter.Ended ended = scene.mallory.run(workflow);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            if (i >= 3 && (marks + " 1").equals(scene.mallory.value(shares))) {
                break;
            }
        }
        assertThat(scene.mallory.value(shares))
                .as("marks and transactions of the chain")
                .isEqualTo(marks + " 1");
        scene.mallory.execute("TRUNCATE marks");
        scene.mallory.value("INSERT INTO switch VALUES (?) RETURNING 1", deed);
    }

    /** Every step that is recorded as completed has its effect, and no other has. */
    private static void assertEffectsHaveTheirCheckpoints(String id) throws SQLException {
        assertThat(scene.mallory.value("SELECT string_agg(what, ' ' ORDER BY what) FROM marks"))
                .isEqualTo(scene.mallory.value(
                        "SELECT string_agg(m, ' ' ORDER BY m) FROM df.nodes, split_part(query, '''', 2) AS m"
                                + " WHERE instance_id = ? AND status = 'completed' AND query LIKE 'INSERT INTO marks%'",
                        id));
    }

    static List<String> deeds() {
        return """
                SET SESSION AUTHORIZATION alice
                SET LOCAL SESSION AUTHORIZATION df_worker
                SET ROLE df_worker
                SELECT set_config('session_authorization', 'postgres', false)
                SELECT set_config('role', 'alice', false)
                SELECT set_config('role', 'df_worker', true)
                COMMIT
                ROLLBACK
                ROLLBACK TO SAVEPOINT perdure_step
                RELEASE SAVEPOINT perdure_step
                SAVEPOINT perdure_step
                SELECT key FROM df._epoch
                SELECT df._also('x', 1, '{}')
                SELECT df.checkpoint('\\x00', 1, 'x', 1, '{}', NULL)
                UPDATE df.nodes SET status = 'completed'
                LOAD 'dblink'
                SELECT pg_read_file('postgresql.conf')
                SET session_replication_role = replica
                """
                .lines()
                .map(String::strip)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("deeds")
    void a_forbidden_deed_in_the_second_step_fails_it_and_the_first_keeps_effect_and_checkpoint(String deed)
            throws SQLException {
        String workflow = mark("first") + " ~> 'SELECT attack()' ~> " + mark("last");
        learnAndArm(workflow, 2, deed);

        Submitter.Ended ended = scene.mallory.run(workflow);

        assertThat(ended.status()).as(ended.output()).isEqualTo("failed");
        assertThat(ended.output()).containsPattern(DENIED);
        assertThat(scene.mallory.value("SELECT string_agg(what, ' ') FROM marks"))
                .isEqualTo("first");
        assertEffectsHaveTheirCheckpoints(ended.id());
        scene.assertAliceIsServedAfterwards();
    }

    @ParameterizedTest
    @MethodSource("deeds")
    void a_forbidden_deed_in_the_first_step_fails_the_instance(String deed) throws SQLException {
        String workflow = "'SELECT attack()' ~> " + mark("first") + " ~> " + mark("last");
        learnAndArm(workflow, 2, deed);

        Submitter.Ended ended = scene.mallory.run(workflow);

        assertThat(ended.status()).as(ended.output()).isEqualTo("failed");
        assertThat(scene.mallory.value("SELECT count(*) FROM marks")).isEqualTo("0");
        scene.assertAliceIsServedAfterwards();
    }

    static List<String> leftovers() {
        return """
                SET ROLE fused_friend
                SELECT set_config('role', 'fused_friend', false)
                SELECT set_config('search_path', 'fused, pg_catalog, public', false)
                SELECT set_config('standard_conforming_strings', 'off', false)
                SELECT set_config('df.in_workflow', 'false', false)
                SELECT set_config('statement_timeout', '1', false)
                SELECT set_config('default_transaction_read_only', 'on', false)
                SELECT set_config('TimeZone', 'Asia/Tokyo', false)
                SELECT set_config('synchronous_commit', 'off', false)
                SELECT set_config('my.left', 'over', false)
                CREATE TEMP TABLE marks (id bigserial, what text, tx bigint)
                CREATE TEMP TABLE left_table AS SELECT 1
                DECLARE left_cursor CURSOR WITH HOLD FOR SELECT 1
                LISTEN left_channel
                SELECT pg_advisory_lock(771)
                SELECT nextval('marks_id_seq')
                SET CONSTRAINTS ALL DEFERRED
                """
                .lines()
                .map(String::strip)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("leftovers")
    void nothing_that_a_step_leaves_reaches_the_next_one_in_the_transaction(String deed) throws SQLException {
        String look = "'SELECT current_user::text AS u, session_user::text AS s, current_setting(''search_path'') AS p,"
                + " current_setting(''standard_conforming_strings'') AS c, current_setting(''df'' || ''.in_workflow'') AS w,"
                + " current_setting(''default_transaction_read_only'') AS r, current_setting(''TimeZone'') AS t,"
                + " current_setting(''synchronous_commit'') AS y,"
                + " coalesce(current_setting(''my.left'', true), '''') AS m, to_regclass(''pg_temp.marks'') AS tm,"
                + " to_regclass(''pg_temp.left_table'') AS tl, (SELECT count(*) FROM pg_cursors WHERE name = ''left_cursor'')"
                + " AS cu, (SELECT count(*) FROM pg_listening_channels()) AS li,"
                + " (SELECT count(*) FROM pg_locks WHERE locktype = ''advisory'' AND objid = 771) AS lo'";
        String workflow = mark("first") + " ~> 'SELECT attack()' ~> " + look + " |=> 'seen' ~> " + mark("last")
                + " ~> 'SELECT * FROM $seen.*'";
        learnAndArm(workflow, 2, "SELECT 1");
        String clean = scene.mallory.run(workflow).output();
        learnAndArm(workflow, 2, deed);

        Submitter.Ended ended = scene.mallory.run(workflow);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ended.output()).isEqualTo(clean);
        assertThat(scene.mallory.value("SELECT string_agg(what || ' ' || who, ', ' ORDER BY what) FROM marks"))
                .isEqualTo("first mallory, last mallory");
        assertEffectsHaveTheirCheckpoints(ended.id());
        // Nor the next instance of the role, which gets the same session, nor anybody else.
        assertThat(scene.mallory.run(look).output()).isEqualTo(clean);
        scene.assertAliceIsServedAfterwards();
    }

    @Test
    void statements_that_are_prepared_in_a_chain_stand_in_for_nothing() throws SQLException {
        String workflow = mark("first") + " ~> 'SELECT attack()' ~> " + mark("last");
        for (String deed : new String[] {
            "PREPARE \"S_1\" AS SELECT 'completed:00'::text",
            "DEALLOCATE ALL",
            "DO $do$ DECLARE p record; BEGIN FOR p IN SELECT name, parameter_types::text[] AS t FROM pg_prepared_statements"
                    + " LOOP EXECUTE format('DEALLOCATE %I', p.name); IF cardinality(p.t) > 0 THEN EXECUTE format('PREPARE %I (%s) AS"
                    + " SELECT ''completed:00''::text', p.name, array_to_string(p.t, ',')); END IF; END LOOP; END $do$"
        }) {
            learnAndArm(workflow, 2, deed);
            for (int i = 0; i < 3; i++) {
                scene.mallory.execute("TRUNCATE marks");
                Submitter.Ended ended = scene.mallory.run(workflow);
                if (ended.output().contains("replaced statements of its session")) {
                    assertThat(ended.status()).as(deed).isEqualTo("failed");
                } else {
                    assertEffectsHaveTheirCheckpoints(ended.id());
                }
                scene.assertAliceIsServedAfterwards();
            }
        }
    }

    @Test
    void a_trigger_that_raises_when_constraints_are_checked_fails_the_chain_and_nothing_after_it_happens()
            throws SQLException {
        scene.mallory.execute(
                """
                CREATE TABLE late (x int);
                CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF (SELECT armed FROM switch) IS NOT NULL THEN RAISE 'late and loud'; END IF;
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER raises AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION raises()""");
        String workflow = mark("first") + " ~> 'INSERT INTO late VALUES (1)' ~> " + mark("last");
        learnAndArm(workflow, 2, "raise");

        Submitter.Ended ended = scene.mallory.run(workflow);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("late and loud");
        assertThat(scene.mallory.value("SELECT string_agg(what, ' ') FROM marks"))
                .isEqualTo("first");
        assertEffectsHaveTheirCheckpoints(ended.id());
        scene.assertAliceIsServedAfterwards();
    }

    @Test
    void a_trigger_that_puts_itself_off_behind_the_checkpoint_and_raises_at_commit_takes_all_steps_back()
            throws SQLException {
        scene.mallory.execute(
                """
                CREATE TABLE later (x int);
                CREATE FUNCTION puts_off() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF (SELECT armed FROM switch) IS NULL THEN RETURN NULL; END IF;
                    IF new.x > 3 THEN RAISE 'behind the checkpoint'; END IF;
                    SET CONSTRAINTS ALL DEFERRED;
                    INSERT INTO later VALUES (new.x + 1);
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER puts_off AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION puts_off()""");
        String workflow = mark("first") + " ~> 'INSERT INTO later VALUES (1)' ~> " + mark("last");
        learnAndArm(workflow, 2, "raise");

        Submitter.Ended ended = scene.mallory.run(workflow);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("behind the checkpoint");
        assertEffectsHaveTheirCheckpoints(ended.id());
        scene.assertAliceIsServedAfterwards();
    }

    @Test
    void a_lock_that_a_step_takes_for_its_session_is_not_there_for_the_chains_of_others() throws SQLException {
        String workflow = mark("first") + " ~> 'SELECT attack()' ~> " + mark("last") + " ~> df.sleep(3600)";
        String quick = mark("first") + " ~> 'SELECT attack()' ~> " + mark("last");
        learnAndArm(quick, 2, "SELECT pg_advisory_lock(772), pg_advisory_lock_shared(773)");

        String id = scene.mallory.start(workflow);
        scene.mallory.awaitValue(
                "running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", id);

        assertThat(scene.alice
                        .run("'SELECT pg_try_advisory_lock(772) AND pg_try_advisory_lock(773) AS free'")
                        .output())
                .contains("{\"free\":true}");
        scene.mallory.value("SELECT df.cancel(?)", id);
    }
}
