package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.Submitter;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks on the transaction that a step shares with its checkpoint, and on the call itself. */
class CheckpointAttacksTest {

    private Scene scene;

    @BeforeEach
    void begin() throws SQLException {
        // One session: what is prepared in it is known before the attack.
        scene = Scene.open(Map.of("perdure.step.max-concurrent", "2", "perdure.step.max-concurrent-per-role", "1"));
        scene.mallory.execute("CREATE TABLE effects (step text); CREATE TABLE seen (query text)");
    }

    @AfterEach
    void end() throws SQLException {
        scene.close();
    }

    /** Puts a statement in the place of each one of ours that has parameters, whose answer is that of the function. */
    private void replaceTheCheckpointBy(String function) throws SQLException {
        scene.mallory.execute(
                """
                CREATE OR REPLACE FUNCTION replace_prepared() RETURNS int LANGUAGE plpgsql AS $body$
                DECLARE p record; n int := 0;
                BEGIN
                    FOR p IN SELECT name, parameter_types::text[] AS types, statement FROM pg_prepared_statements
                             WHERE statement LIKE '%SELECT df.checkpoint%' LOOP
                        EXECUTE format('DEALLOCATE %I', p.name);
                        EXECUTE format('PREPARE %I (%s) AS SELECT %s(%s)', p.name, array_to_string(p.types, ','), 'FUNCTION',
                            (SELECT string_agg('$' || g || '::text', ',') FROM generate_series(1, cardinality(p.types)) g));
                        n := n + 1;
                    END LOOP;
                    RETURN n;
                END $body$"""
                        .replace("FUNCTION',", function + "',"));
    }

    private String runReplacing() throws SQLException {
        // The first instances make the worker prepare its calls.
        scene.mallory.run("'SELECT 1'");
        scene.mallory.run("'SELECT 1' |=> 'a' ~> 'SELECT 2'");
        Submitter.Ended ended = scene.mallory.run(
                "'INSERT INTO effects SELECT ''replaced '' || replace_prepared()' ~> 'INSERT INTO effects VALUES (''next'')'");
        return ended.status() + " " + ended.output();
    }

    @Test
    void a_prepared_statement_with_a_forged_answer_stands_in_for_nothing() throws SQLException {
        scene.mallory.execute("CREATE FUNCTION forged(VARIADIC a text[]) RETURNS text LANGUAGE sql AS"
                + " $$ SELECT 'running:' || encode(sha256(a[1]::bytea), 'hex') $$");
        replaceTheCheckpointBy("forged");

        assertThat(runReplacing()).startsWith("completed");
        assertThat(scene.mallory.value("SELECT string_agg(split_part(step, ' ', 1), ',' ORDER BY step) FROM effects"))
                .isEqualTo("next,replaced");
        scene.assertAliceIsServed();
    }

    @Test
    void a_prepared_statement_that_would_take_the_checkpoint_back_stands_in_for_nothing() throws SQLException {
        // The receipt survives in a variable what the subtransaction undoes, and the statement hides its tracks.
        scene.mallory.execute(
                """
                CREATE FUNCTION undone(VARIADIC a text[]) RETURNS text LANGUAGE plpgsql AS $$
                DECLARE receipt text; p record;
                BEGIN
                    FOR p IN SELECT name FROM pg_prepared_statements WHERE from_sql LOOP
                        EXECUTE format('DEALLOCATE %I', p.name);
                    END LOOP;
                    BEGIN
                        IF cardinality(a) = 4 THEN
                            receipt := df.checkpoint(a[1]::bytea, a[2]::bigint, a[3], a[4]);
                        ELSE
                            receipt := df.checkpoint_step(a[1]::bytea, a[2]::bigint, a[3], a[4], a[5], a[6], a[7],
                                a[8]::boolean, a[9], a[10]::integer, a[11], a[12], a[13]);
                        END IF;
                        RAISE EXCEPTION 'undo';
                    EXCEPTION WHEN raise_exception THEN NULL;
                    END;
                    RETURN receipt;
                END $$""");
        replaceTheCheckpointBy("undone");

        assertThat(runReplacing()).startsWith("completed");
        assertThat(scene.mallory.value("SELECT string_agg(split_part(step, ' ', 1), ',' ORDER BY step) FROM effects"))
                .isEqualTo("next,replaced");
        scene.assertAliceIsServed();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PREPARE \"S_1\" AS SELECT 1",
                "DEALLOCATE ALL",
                "DECLARE \"C_1\" CURSOR WITH HOLD FOR SELECT 1",
                "SELECT set_config('transaction_isolation', 'serializable', true)",
                "SET TRANSACTION READ ONLY",
                "SET LOCAL lock_timeout = '1ms'",
                "SET CONSTRAINTS ALL DEFERRED"
            })
    void what_a_step_does_to_its_session_does_not_separate_its_effect_from_its_checkpoint(String step)
            throws SQLException {
        scene.mallory.run("'SELECT 1'");
        for (int i = 0; i < 4; i++) {
            String id = scene.mallory.start("$df$INSERT INTO effects VALUES ('before')$df$ ~> $df$" + step
                    + "$df$ ~> $df$INSERT INTO effects VALUES ('after')$df$");
            scene.mallory.await(id);
        }
        assertThat(scene.mallory.value("SELECT count(*) FROM effects"))
                .isEqualTo(
                        scene.mallory.value(
                                "SELECT count(*) FROM df.nodes WHERE status = 'completed' AND query LIKE 'INSERT INTO effects%'"));
        scene.assertAliceIsServed();
    }

    @Test
    void what_a_trigger_sees_at_commit_holds_no_token_of_any_use() throws SQLException {
        scene.mallory.execute(
                """
                CREATE TABLE late (step text);
                CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO seen SELECT query FROM pg_stat_activity WHERE usename = session_user;
                    INSERT INTO seen VALUES (current_query());
                    INSERT INTO seen SELECT statement FROM pg_prepared_statements;
                    INSERT INTO seen VALUES ('limit ' || current_setting('statement_timeout'));
                    -- Put off once more, behind the checkpoint.
                    IF (SELECT count(*) FROM seen) < 200 THEN
                        SET CONSTRAINTS ALL DEFERRED;
                        INSERT INTO late VALUES ('again');
                    END IF;
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER look AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION look()""");
        Submitter.Ended ended = scene.mallory.run("'INSERT INTO late VALUES (''x'')'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(Integer.parseInt(String.valueOf(scene.mallory.value("SELECT count(*) FROM seen"))))
                .isPositive();
        assertThat(scene.mallory.value("SELECT count(*) FROM seen WHERE query ~ '[0-9a-f]{64}'"))
                .isEqualTo("0");
    }

    @Test
    void a_trigger_that_cancels_the_instance_at_commit_is_obeyed_and_its_effect_has_its_checkpoint()
            throws SQLException {
        scene.mallory.execute(
                """
                CREATE TABLE late (instance text);
                CREATE FUNCTION cancels() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM df.cancel(new.instance, 'from a trigger'); RETURN NULL; END $$;
                CREATE CONSTRAINT TRIGGER cancels AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION cancels()""");
        String id = scene.mallory.start("'INSERT INTO late VALUES (''{sys_instance_id}'')' ~> df.sleep(3600)");

        assertThat(scene.mallory.await(id).status()).isEqualTo("cancelled");
        assertThat(scene.mallory.value("SELECT count(*) FROM late")).isEqualTo("1");
        assertThat(scene.mallory.node(id, "INSERT", "status")).isEqualTo("completed");
    }

    @Test
    void a_trigger_that_sleeps_at_commit_does_not_keep_the_next_term_waiting() throws SQLException {
        scene.mallory.execute(
                """
                CREATE TABLE late (step text);
                CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF new.step = 'first' THEN
                        SET CONSTRAINTS ALL DEFERRED;
                        PERFORM set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false);
                        INSERT INTO late VALUES ('behind the checkpoint');
                    ELSE
                        PERFORM set_config('statement_timeout', '0', false);
                        LOOP
                            BEGIN
                                PERFORM pg_sleep(600);
                            EXCEPTION WHEN query_canceled THEN
                            END;
                        END LOOP;
                    END IF;
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER sleeps AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION sleeps()""");
        scene.mallory.start("'INSERT INTO late VALUES (''first'')'");
        String inCommit =
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mallory' AND query = 'COMMIT' AND state = 'active'";
        Awaitility.await("the step is in COMMIT").until(() -> "1".equals(scene.database.value("postgres", inCommit)));

        // Its session stays behind when the worker is gone. The next term begins at once, and everybody else goes on.
        Thread end = new Thread(scene.worker::close);
        end.start();
        try (var next = dev.perdure.engine.InProcessWorker.candidate(scene.database, scene.settings())) {
            next.awaitRole(dev.perdure.leader.LeaderStatus.Role.LEADER);
            scene.assertAliceIsServed();
            assertThat(scene.database.value("postgres", inCommit))
                    .as("it is still in COMMIT")
                    .isEqualTo("1");
        }
        scene.database.value("postgres", inCommit.replace("count(*)", "count(pg_terminate_backend(pid))"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"pg_cancel_backend", "pg_terminate_backend"})
    void hammering_the_sessions_of_steps_leaves_no_effect_without_a_checkpoint(String hammer) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger hits = new AtomicInteger();
        List<Throwable> trouble = new ArrayList<>();
        Thread thread;
        try (Submitter other = scene.anotherMallory()) {
            thread = new Thread(() -> {
                while (!stop.get()) {
                    try {
                        hits.addAndGet(Integer.parseInt(String.valueOf(other.value(
                                "SELECT count(" + hammer + "(pid)) FROM pg_stat_activity WHERE usename = 'mallory'"
                                        + " AND application_name = 'perdure-step'"))));
                    } catch (SQLException e) {
                        trouble.add(e);
                        return;
                    }
                }
            });
            thread.start();
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                ids.add(scene.mallory.start("'INSERT INTO effects VALUES (''{sys_instance_id} 1'')'"
                        + " ~> 'INSERT INTO effects VALUES (''{sys_instance_id} 2'')'"));
            }
            // Often enough to meet every moment of a step, and then an end, so that those that go on can end.
            Awaitility.await("hits").until(() -> hits.get() >= 20 || !trouble.isEmpty());
            stop.set(true);
            thread.join();
            for (String id : ids) {
                scene.mallory.await(id);
            }
        }
        assertThat(trouble).isEmpty();
        assertThat(scene.mallory.rows("SELECT step FROM effects GROUP BY 1 HAVING count(*) > 1"))
                .isEmpty();
        assertThat(scene.mallory.value("SELECT count(*) FROM effects"))
                .isEqualTo(scene.mallory.value(
                        "SELECT count(*) FROM df.nodes WHERE node_type = 'SQL' AND status = 'completed'"
                                + " AND query LIKE 'INSERT INTO effects%'"));
    }

    @Test
    void the_parameters_of_a_failing_checkpoint_are_not_in_what_is_stored() throws SQLException {
        scene.database.asSuperuser("ALTER ROLE mallory SET log_parameter_max_length_on_error = -1");
        try {
            Submitter.Ended ended = scene.mallory.run("$df$SELECT E'\\\\u0000' || 'a-secret'::text AS v,"
                    + " '{\"a\": \"\\u0000 another-secret\"}'::json AS j$df$");
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(scene.mallory.value(
                            "SELECT string_agg(concat(error, result), ' ') FROM df.nodes WHERE instance_id = ?",
                            ended.id()))
                    .doesNotContain("a-secret", "another-secret", "parameters:");
            assertThat(ended.output()).doesNotContain("secret");
        } finally {
            scene.database.asSuperuser("ALTER ROLE mallory RESET ALL");
        }
    }
}
