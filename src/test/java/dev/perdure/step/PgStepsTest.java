package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import dev.perdure.flow.result.Result;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The step protocol in a submitter's session: what is committed together, and what a step cannot do to it. */
class PgStepsTest {

    private static TestDatabase database;
    private static Steps steps;
    private static SessionPools.Key app;
    private StepPort.Session session;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        database.execute(PostgresServer.OWNER, Steps.STAND_IN);
        database.createUser("steps_app");
        database.execute(
                "steps_app",
                "CREATE TABLE effects (n int); CREATE TABLE unique_later (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
        steps = new Steps(database);
        app = steps.key("steps_app");
    }

    @AfterAll
    static void end() {
        steps.close();
    }

    @BeforeEach
    void borrow() throws StepFailedException {
        session = steps.steps.borrow(app);
    }

    @AfterEach
    void giveBack() throws SQLException {
        session.giveBack();
        database.execute("steps_app", "TRUNCATE effects, unique_later");
        assertThat(steps.pools.idleCount()).isLessThanOrEqualTo(1);
    }

    private static List<String> json(StepPort.Executed executed) {
        return executed.results().stream().map(Result::json).toList();
    }

    private static String effects() throws SQLException {
        return String.valueOf(database.value("steps_app", "SELECT string_agg(n::text, ',' ORDER BY n) FROM effects"));
    }

    private StepPort.Executed run(String... statements) {
        return session.begin(Steps.texts(statements), Steps.FREE);
    }

    @Test
    void a_step_and_its_checkpoint_are_committed_together() throws Exception {
        StepPort.Executed ran = run("INSERT INTO effects VALUES (1) RETURNING n");
        assertThat(json(ran)).containsExactly("{\"rows\":[{\"n\":1}],\"row_count\":1}");
        assertThat(effects()).isEqualTo("null");

        StepPort.Checkpointed checkpoint = steps.checkpoint("{\"ä\": \"'; \\\\ -- $1\"}");
        session.commit(checkpoint);

        assertThat(effects()).isEqualTo("1");
        assertThat(database.value(
                        PostgresServer.OWNER,
                        "SELECT state FROM df.stand_in WHERE instance = 'i' AND version = " + checkpoint.version()))
                .isEqualTo("{\"ä\": \"'; \\\\ -- $1\"}");
    }

    @Test
    void what_is_rolled_back_has_not_happened_and_the_session_goes_on() throws Exception {
        run("INSERT INTO effects VALUES (1)");
        session.rollback();
        assertThat(effects()).isEqualTo("null");

        assertThat(json(run("SELECT 2 AS n"))).containsExactly("{\"rows\":[{\"n\":2}],\"row_count\":1}");
        session.commit(steps.checkpoint("{}"));
    }

    @Test
    void a_failure_says_what_postgresql_says_and_leaves_the_session_usable() throws Exception {
        Failure failure = run("SELECT 1 +* 2").failure();

        assertThat(failure).isNotNull();
        assertThat(failure.kind()).isEqualTo(Kind.STEP);
        assertThat(failure.sqlState()).isEqualTo("42883");
        assertThat(failure.position()).isEqualTo(10);
        assertThat(failure.hint()).contains("explicit type casts");

        Failure raised = failing("DO $$ BEGIN RAISE 'why' USING DETAIL = 'what', HINT = 'how'; END $$");
        assertThat(raised.message()).isEqualTo("why");
        assertThat(raised.detail()).isEqualTo("what");
        assertThat(raised.hint()).isEqualTo("how");

        session.rollback();
        assertThat(run("SELECT 1").failure()).isNull();
    }

    private Failure failing(String statement) {
        session.rollback();
        Failure failure = run(statement).failure();
        assertThat(failure).isNotNull();
        return failure;
    }

    /** A network that loses what is sent without a word: nobody will answer. */
    @Test
    void a_session_that_waits_for_an_answer_is_broken_off_when_the_server_has_none_of_it() throws Exception {
        CompletableFuture<StepPort.Executed> waits =
                CompletableFuture.supplyAsync(() -> run("SELECT pg_sleep(600), 'abandoned'"));
        String abandoned =
                "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND starts_with(query, 'SELECT pg_sleep') AND usename = 'steps_app'";
        Awaitility.await().until(() -> database.value("postgres", abandoned), Objects::nonNull);
        List<Integer> asked = new ArrayList<>();
        Awaitility.await().until(() -> {
            steps.pools.abortLost(Duration.ofMillis(100), pids -> {
                asked.addAll(pids);
                return Set.of();
            });
            return !asked.isEmpty();
        });
        assertThat(asked).containsOnly(Integer.valueOf(database.value("postgres", abandoned)));
        assertThat(waits).isNotDone();

        Awaitility.await().until(() -> {
            steps.pools.abortLost(Duration.ofMillis(100), Set::copyOf);
            return waits.isDone();
        });
        assertThat(waits.get().failure().kind()).isEqualTo(Kind.CONNECTION_LOST);
        steps.pools.abortLost(Duration.ZERO, pids -> {
            throw new AssertionError("nobody waits");
        });
        // The server, which is well, would go on for long.
        Awaitility.await()
                .until(() -> database.value("postgres", abandoned.replace("pid", "max(pg_terminate_backend(pid)::int)"))
                        == null);
    }

    @Test
    void several_statements_run_in_one_transaction_up_to_the_first_that_fails() throws Exception {
        StepPort.Executed ran = run(
                "INSERT INTO effects VALUES (1) RETURNING n",
                "INSERT INTO effects VALUES (2) RETURNING n",
                "INSERT INTO effects VALUES (3/0)",
                "INSERT INTO effects VALUES (4)");

        assertThat(json(ran)).hasSize(2).last().asString().contains("\"n\":2");
        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().sqlState()).isEqualTo("22012");
        assertThat(session.undoLast()).isTrue();
        session.commit(steps.checkpoint("{}"));
        assertThat(effects()).isEqualTo("1,2");
    }

    @Test
    void a_statement_that_joins_later_is_undone_alone() throws Exception {
        run("INSERT INTO effects VALUES (1)");
        assertThat(session.next(Steps.text("INSERT INTO effects VALUES (2)"), Steps.FREE)
                        .failure())
                .isNull();
        assertThat(session.next(Steps.text("INSERT INTO effects VALUES (3), (1/0)"), Steps.FREE)
                        .failure())
                .isNotNull();

        assertThat(session.undoLast()).isTrue();
        assertThat(session.next(Steps.text("INSERT INTO effects VALUES (4)"), Steps.FREE)
                        .failure())
                .isNull();
        session.commit(steps.checkpoint("{}"));

        assertThat(effects()).isEqualTo("1,2,4");
    }

    @Test
    void the_first_statement_cannot_be_undone_without_its_transaction() {
        assertThat(run("SELECT 1/0").failure()).isNotNull();

        assertThat(session.undoLast()).isFalse();
    }

    @Test
    void nothing_of_a_step_is_left_for_the_one_that_joins_it() throws Exception {
        StepPort.Executed ran = run(
                "DO $$ BEGIN CREATE TEMP TABLE left_behind (n int); EXECUTE 'PREPARE left_plan AS SELECT 1';"
                        + " PERFORM pg_advisory_lock(5); PERFORM set_config('search_path', 'pg_temp', false);"
                        + " PERFORM set_config('work_mem', '123kB', false); END $$",
                "SELECT to_regclass('left_behind') IS NULL AS t, current_setting('work_mem') <> '123kB' AS w,"
                        + " current_setting('search_path') <> 'pg_temp' AS s,"
                        + " (SELECT count(*) FROM pg_prepared_statements) AS p,"
                        + " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS l");

        assertThat(ran.failure()).isNull();
        assertThat(json(ran).get(1)).contains("{\"t\":true,\"w\":true,\"s\":true,\"p\":0,\"l\":0}");
    }

    @Test
    void a_step_that_changes_how_text_is_read_does_not_change_how_the_next_text_is_read() throws Exception {
        StepPort.Executed ran = run(
                "SELECT set_config('standard_conforming_strings', 'off', false), set_config('backslash_quote', 'on', false)",
                "INSERT INTO effects SELECT 1 WHERE '\\' = chr(92) -- ' ; COMMIT");

        assertThat(ran.failure()).isNull();
        session.rollback();
        assertThat(effects()).isEqualTo("null");
    }

    @Test
    void a_text_of_several_statements_is_never_taken_apart() throws Exception {
        for (String text : new String[] {
            "SELECT '\\' -- ' ; COMMIT",
            "INSERT INTO effects VALUES (1); COMMIT",
            "SELECT 1; SELECT 2",
            "SELECT E'\\'; COMMIT; --'"
        }) {
            StepPort.Executed ran = run("SET standard_conforming_strings = off", text);
            session.rollback();
            assertThat(effects()).as(text).isEqualTo("null");
            if (!text.contains("'")) {
                assertThat(ran.failure()).as(text).isNotNull();
                assertThat(ran.failure().message()).contains("multiple commands");
            }
        }
    }

    @Test
    void what_a_step_defers_is_its_own_failure_and_not_that_of_the_next_one() {
        StepPort.Executed ran =
                run("INSERT INTO effects VALUES (1)", "INSERT INTO unique_later VALUES (1), (1)", "SELECT 3");

        assertThat(ran.results()).hasSize(1);
        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().sqlState()).isEqualTo("23505");
        assertThat(session.undoLast()).isTrue();
    }

    @Test
    void a_statement_that_joins_has_a_limit_and_the_first_one_has_none() {
        StepPort.Limits brief = new StepPort.Limits(bytes -> true, java.time.Duration.ofMillis(20));
        StepPort.Executed ran = session.begin(Steps.texts("SELECT pg_sleep(0.05)", "SELECT pg_sleep(30)"), brief);

        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().sqlState()).isEqualTo("57014");
        assertThat(ran.results()).as(ran.failure().toString()).hasSize(1);
    }

    @Test
    void long_texts_that_join_do_not_wait_for_a_server_that_sends_a_large_result() {
        String filler = "/*" + "x".repeat(400_000) + "*/ ";
        StepPort.Executed ran = run(
                "SELECT repeat('y', 300000) AS v FROM generate_series(1, 3)",
                filler + "SELECT 2 AS n",
                filler + "SELECT 3 AS n");

        assertThat(ran.failure()).isNull();
        assertThat(json(ran).get(2)).contains("\"n\":3");
    }

    @Test
    void a_checkpoint_that_is_refused_takes_the_step_down_with_it() throws Exception {
        StepPort.Checkpointed first = Steps.checkpoint("refused", 1, 1, "{}");
        run("INSERT INTO effects VALUES (1)");
        session.commit(first);

        run("INSERT INTO effects VALUES (2)");
        assertThatThrownBy(() -> session.commit(first))
                .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                .extracting(e -> e.failure().kind())
                .isEqualTo(Kind.STALE);
        session.rollback();

        run("INSERT INTO effects VALUES (3)");
        assertThatThrownBy(() -> session.commit(Steps.checkpoint("refused", 2, 7, "{}")))
                .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                .extracting(e -> e.failure().kind())
                .isEqualTo(Kind.FENCED);
        session.rollback();
        assertThat(effects()).isEqualTo("1");
    }

    @Test
    void locks_of_the_checkpoint_are_told_apart_from_locks_of_the_step() throws Exception {
        try (Connection other = database.connect("steps_app");
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("LOCK TABLE effects");
            assertThat(run("SELECT set_config('lock_timeout', '10', true)").failure())
                    .isNull();
            Failure own = session.next(
                            Steps.text("SELECT * FROM effects"),
                            new StepPort.Limits(bytes -> true, java.time.Duration.ofMillis(100)))
                    .failure();
            assertThat(own).isNotNull();
            assertThat(own.kind()).isEqualTo(Kind.TRANSIENT);
            session.rollback();
        }
        try (Connection owner = database.connect(PostgresServer.OWNER);
                Statement statement = owner.createStatement()) {
            owner.setAutoCommit(false);
            statement.execute("INSERT INTO df.stand_in VALUES ('locked', 1, '', '')");
            run("INSERT INTO effects VALUES (1)");
            assertThatThrownBy(() -> session.commit(Steps.checkpoint("locked", 1, 1, "{}")))
                    .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                    .extracting(e -> e.failure().kind())
                    .isEqualTo(Kind.LOCK_TIMEOUT);
        }
    }

    @Test
    void a_role_with_a_short_limit_for_statements_waits_for_rows_of_ours_as_long_as_others() throws Exception {
        database.asSuperuser("ALTER ROLE steps_app SET statement_timeout = '100ms'");
        try (Steps limited = new Steps(database);
                Connection owner = database.connect(PostgresServer.OWNER);
                Statement statement = owner.createStatement()) {
            owner.setAutoCommit(false);
            statement.execute("INSERT INTO df.stand_in VALUES ('limited', 1, '', '')");
            StepPort.Session mine = limited.steps.borrow(app);
            assertThat(mine.begin(Steps.texts("SELECT 1"), Steps.FREE).failure())
                    .isNull();
            // The stand-in's row is waited for for 200 ms.
            assertThatThrownBy(() -> mine.commit(Steps.checkpoint("limited", 1, 1, "{}")))
                    .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                    .extracting(e -> e.failure().kind())
                    .isEqualTo(Kind.LOCK_TIMEOUT);
            mine.giveBack();
        } finally {
            database.asSuperuser("ALTER ROLE steps_app RESET statement_timeout");
        }
    }

    @Test
    void what_a_step_says_about_our_rows_is_not_believed() {
        for (String state : new String[] {"DF001", "DF002", "55P03", "57P01", "08006"}) {
            Kind kind = failing("DO $$ BEGIN RAISE SQLSTATE '" + state + "'; END $$")
                    .kind();

            assertThat(kind).as(state).isIn(Kind.STEP, Kind.TRANSIENT);
        }
        assertThat(failing("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$").kind()).isEqualTo(Kind.EXHAUSTED);
        assertThat(failing("DO $$ BEGIN RAISE SQLSTATE '53400'; END $$").kind()).isEqualTo(Kind.STEP);
    }

    @Test
    void what_a_trigger_does_at_commit_fails_the_step() throws Exception {
        run("INSERT INTO unique_later VALUES (1), (1)");

        assertThatThrownBy(() -> session.commit(steps.checkpoint("{}")))
                .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                .extracting(e -> e.failure().sqlState())
                .isEqualTo("23505");
        session.rollback();
        assertThat(run("SELECT 1").failure()).isNull();
    }

    @Test
    void what_a_step_prepares_cannot_stand_in_for_the_checkpoint() throws Exception {
        run(
                "DO $$ BEGIN FOR i IN 0..30 LOOP EXECUTE format('PREPARE %I AS SELECT %L', 'S_' || i, 'forged'); END LOOP; END $$");
        StepPort.Checkpointed checkpoint = steps.checkpoint("{\"real\":1}");
        session.commit(checkpoint);

        assertThat(database.value(
                        PostgresServer.OWNER,
                        "SELECT count(*) FROM df.stand_in WHERE instance = 'i' AND version = " + checkpoint.version()))
                .isEqualTo("1");
        assertThat(json(run("SELECT count(*) AS n FROM pg_prepared_statements")))
                .containsExactly("{\"rows\":[{\"n\":0}],\"row_count\":1}");
    }

    @Test
    void a_lost_session_is_told_from_a_failed_step() throws Exception {
        assertThat(failing("SELECT pg_terminate_backend(pg_backend_pid())").kind())
                .isEqualTo(Kind.CONNECTION_LOST);
    }

    @Test
    void a_cancelled_statement_ends_its_session() throws Exception {
        StepPort.Session cancelled = steps.steps.borrow(app);
        Thread canceller = new Thread(() -> {
            await("pg_sleep");
            cancelled.cancel();
        });
        canceller.start();
        StepPort.Executed ran = cancelled.begin(Steps.texts("SELECT pg_sleep(60)"), Steps.FREE);
        canceller.join();
        int idle = steps.pools.idleCount();
        cancelled.giveBack();

        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().kind()).isEqualTo(Kind.CANCELED);
        assertThat(steps.pools.idleCount()).isEqualTo(idle);
    }

    @Test
    void sessions_that_are_in_use_are_broken_when_the_port_closes() throws Exception {
        Steps closing = new Steps(database);
        StepPort.Session used = closing.steps.borrow(app);
        Thread closer = new Thread(() -> {
            await("pg_sleep(61)");
            closing.close();
        });
        closer.start();
        StepPort.Executed ran = used.begin(Steps.texts("SELECT pg_sleep(61)"), Steps.FREE);
        closer.join();
        used.giveBack();

        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().kind()).isEqualTo(Kind.CONNECTION_LOST);
        assertThat(closing.pools.idleCount()).isZero();
    }

    private static void await(String query) {
        org.awaitility.Awaitility.await(query).until(() -> "1"
                .equals(database.value(
                        "postgres",
                        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'perdure-step' AND query LIKE '%"
                                + query + "%'")));
    }

    @Test
    void a_statement_outside_of_a_transaction_is_the_last_of_its_session() {
        assertThat(failing("VACUUM effects").kind()).isEqualTo(Kind.NEEDS_AUTOCOMMIT);
        session.rollback();

        assertThat(session.autocommit(Steps.text("VACUUM effects"), Steps.FREE).failure())
                .isNull();
    }

    @Test
    void a_copy_to_or_from_the_client_ends_in_a_moment_even_if_nobody_refused_it() {
        for (String copy :
                new String[] {"COPY (SELECT generate_series(1, 1000)) TO STDOUT", "COPY effects FROM STDIN"}) {
            assertThat(failing(copy).kind()).as(copy).isIn(Kind.STEP, Kind.CANCELED, Kind.CONNECTION_LOST);
        }
    }
}
