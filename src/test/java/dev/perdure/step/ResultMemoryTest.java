package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing of what a statement returns or says enters the worker's memory that was not granted before. */
class ResultMemoryTest {

    private static final int MEGA = 1024 * 1024;
    /** What a refused statement may allocate in all, garbage included. */
    private static final long SMALL = 8L * MEGA;

    private static TestDatabase database;
    private static Steps steps;
    private static SessionPools.Key app;
    private StepPort.Session session;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        database.createUser("memory_app");
        steps = new Steps(database.url(), List.of(), 4 * MEGA);
        app = steps.key("memory_app");
    }

    @AfterAll
    static void end() {
        steps.close();
    }

    @BeforeEach
    void borrow() throws StepFailedException {
        session = steps.steps.borrow(app);
        session.begin(Steps.texts("SELECT 1"), Steps.FREE);
        session.rollback();
    }

    @AfterEach
    void giveBack() {
        session.giveBack();
    }

    /** Grants so much and counts. */
    private static final class Budget implements StepPort.ResultBudget {
        private final long limit;
        private long taken;
        private long most;

        Budget(long limit) {
            this.limit = limit;
        }

        @Override
        public boolean take(long bytes) {
            if (taken + bytes > limit) {
                return false;
            }
            taken += bytes;
            most = Math.max(most, taken);
            return true;
        }

        @Override
        public void giveBack(long bytes) {
            taken -= bytes;
        }
    }

    private StepPort.Executed run(Budget budget, String... statements) {
        return session.begin(Steps.texts(statements), new StepPort.Limits(budget, Duration.ofMinutes(1)));
    }

    private Failure failure(Budget budget, String... statements) {
        Failure failure = run(budget, statements).failure();
        assertThat(failure).isNotNull();
        return failure;
    }

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    private void isUsable() {
        session.rollback();
        assertThat(run(new Budget(MEGA), "SELECT 1").failure()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT NULL FROM generate_series(1, 1000000)",
                "SELECT FROM generate_series(1, 1000000)",
                "SELECT repeat('x', 3000000)",
                "SELECT repeat('x', 100000) FROM generate_series(1, 30)",
                "SELECT 1 AS n FROM generate_series(1, 100000)"
            })
    void a_result_that_is_not_granted_fails_and_leaves_the_session_usable(String statement) {
        Budget budget = new Budget(MEGA);
        long before = allocated();
        Failure failure = failure(budget, statement);

        assertThat(failure.kind()).isEqualTo(Kind.NO_MEMORY);
        assertThat(allocated() - before).isLessThan(SMALL);
        assertThat(budget.most).isLessThanOrEqualTo(MEGA);
        isUsable();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT repeat('x', 5000000)",
                "SELECT repeat('x', 1000000) FROM generate_series(1, 5)",
                "SELECT '{\"a\":' || repeat(' ', 5000000) || '1}' AS j",
                "SELECT repeat('\u20ac', 1500000)",
                "SELECT repeat(chr(1), 1000000)",
                "SELECT '1e131071'::json FROM generate_series(1, 20000)",
                "SELECT ('[' || repeat('1e131071,', 50) || '1]')::json",
                "SELECT 1e300::float8 FROM generate_series(1, 20000)"
            })
    void a_result_over_the_limit_fails_for_good_with_a_clear_reason(String statement) {
        Budget budget = new Budget(64 * MEGA);
        long before = allocated();
        Failure failure = failure(budget, statement);

        assertThat(failure.kind()).isEqualTo(Kind.STEP);
        assertThat(failure.sqlState()).isEqualTo("54000");
        assertThat(failure.message()).contains("perdure.step.max-result-size");
        assertThat(allocated() - before).isLessThan(60L * MEGA);
        isUsable();
    }

    @Test
    void a_result_without_end_ends_its_session_and_not_the_worker() {
        long before = allocated();
        Failure failure = failure(new Budget(MEGA), "SELECT NULL FROM generate_series(1, 100000000)");

        assertThat(failure.kind()).isEqualTo(Kind.NO_MEMORY);
        assertThat(allocated() - before).isLessThan(SMALL);
    }

    @Test
    void json_is_not_taken_apart_before_there_is_memory_for_its_parts() {
        Failure failure = failure(new Budget(10L * MEGA), "SELECT ('[' || repeat('1,', 1000000) || '1]')::json");

        assertThat(failure.kind()).isEqualTo(Kind.NO_MEMORY);
        isUsable();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT ('[' || repeat(repeat('{\"\":', 100) || '0' || repeat('}', 100) || ',', 180) || '0]')::json AS j"
                        + " FROM generate_series(1, 30)",
                "SELECT 1 AS n FROM generate_series(1, 400000)"
            })
    void a_result_is_not_handed_on_before_there_is_memory_for_its_parts(String statement) {
        Budget budget = new Budget(48L * MEGA);
        Failure failure = failure(budget, statement);

        assertThat(failure.kind()).isEqualTo(Kind.NO_MEMORY);
        isUsable();
        Budget enough = new Budget(160L * MEGA);
        StepPort.Executed ran = run(enough, statement);
        assertThat(ran.failure()).isNull();
        assertThat(enough.taken).isLessThan(5L * MEGA);
    }

    @Test
    void what_was_taken_for_a_moment_is_given_back() {
        Budget budget = new Budget(64L * MEGA);
        StepPort.Executed ran =
                run(budget, "SELECT repeat('x', 1000) AS x, '[1,2,3]'::json AS j FROM generate_series(1, 1000)");

        assertThat(ran.failure()).isNull();
        long size = ran.results().get(0).json().length();
        assertThat(budget.taken).isBetween(size, size + 64 * 1024);
        assertThat(budget.most).isLessThan(3 * size);
    }

    @Test
    void a_statement_that_is_refused_among_others_fails_alone() {
        StepPort.Executed ran =
                run(new Budget(MEGA), "SELECT 1 AS n", "SELECT repeat('x', 3000000) AS x", "SELECT 3 AS n");

        assertThat(ran.results()).hasSize(1);
        assertThat(ran.failure()).isNotNull();
        assertThat(ran.failure().kind()).isEqualTo(Kind.NO_MEMORY);
        assertThat(session.undoLast()).isTrue();
        assertThat(session.next(Steps.text("SELECT 4 AS n"), Steps.FREE).failure())
                .isNull();
    }

    @Test
    void an_error_of_120_megabytes_is_cut_where_it_arrives() {
        long before = allocated();
        Failure failure = failure(
                new Budget(MEGA),
                "DO $$ BEGIN RAISE EXCEPTION '%', repeat('\u00e4', 30000000)"
                        + " USING DETAIL = repeat('d', 30000000), HINT = repeat('h', 30000000); END $$");

        assertThat(allocated() - before).isLessThan(SMALL);
        assertThat(failure.sqlState()).isEqualTo("P0001");
        assertThat(failure.message())
                .startsWith("\u00e4\u00e4")
                .hasSizeBetween(130_000, 131_000)
                .doesNotContain("\ufffd")
                .endsWith(" more characters)");
        assertThat(failure.detail()).isEqualTo("… (30000000 more characters)");
        assertThat(failure.hint()).isEqualTo("… (30000000 more characters)");
        isUsable();
    }

    @Test
    void notices_are_thrown_away_where_they_arrive() {
        long before = allocated();
        StepPort.Executed ran = run(
                new Budget(MEGA),
                "DO $$ BEGIN PERFORM set_config('client_min_messages', 'debug5', false);"
                        + " FOR i IN 1..4 LOOP RAISE NOTICE '%', repeat('x', 30000000); END LOOP;"
                        + " FOR i IN 1..100000 LOOP RAISE NOTICE 'x'; END LOOP; END $$");

        assertThat(ran.failure()).isNull();
        assertThat(allocated() - before).isLessThan(SMALL);
        isUsable();
    }

    @Test
    void notifications_and_long_settings_are_thrown_away_too() throws StepFailedException {
        run(
                new Budget(MEGA),
                "DO $$ BEGIN LISTEN gossip; PERFORM set_config('application_name', repeat('x', 1000000), false);"
                        + " PERFORM set_config('search_path', repeat('x', 1000000), false); END $$");
        isUsable();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    SELECT '1e2147483648'::json AS bad        | 22003
                    SELECT '[1e-2147483649]'::json AS bad     | 22003
                    SELECT '1e131073'::json AS bad            | 22003
                    SELECT '1e-16384'::json AS bad            | 22003
                    SELECT '1e99999999999999999999'::json AS bad | 22003
                    SELECT '"\\ud800"'::json AS bad           | 22P02
                    SELECT '"\\ud800x"'::json AS bad          | 22P02
                    SELECT '"\\udc00"'::json AS bad           | 22P02
                    SELECT '{"a\\u0000":1}'::json AS bad      | 22P05
                    """)
    void a_value_that_the_tables_cannot_hold_fails_its_step_with_the_column(String statement, String state) {
        Failure failure = failure(new Budget(MEGA), statement);

        assertThat(failure.kind()).isEqualTo(Kind.STEP);
        assertThat(failure.sqlState()).isEqualTo(state);
        assertThat(failure.message()).contains("'bad'");
        isUsable();
    }

    @Test
    void values_at_the_edge_are_kept() {
        StepPort.Executed ran = run(
                new Budget(16L * MEGA),
                "SELECT '\"\\ud83d\\ude00\\\\u0000\"'::json AS s, '1.5e3'::json AS n, '0e5'::json AS z, 'NaN'::float8 AS f,"
                        + " length('1e131071'::json::text) AS l, '-1.25E-2'::json AS e");

        assertThat(ran.failure()).isNull();
        assertThat(ran.results().get(0).json())
                .contains("\"s\":\"\ud83d\ude00\\\\u0000\",\"n\":1500,\"z\":0,\"f\":null,\"l\":8,\"e\":-0.0125");
    }

    @Test
    void a_year_of_five_digits_can_be_read_again() throws SQLException {
        for (String type : new String[] {"timestamptz", "timestamp"}) {
            StepPort.Executed ran = run(new Budget(MEGA), "SELECT " + type + " '12026-01-01 12:30:00.5' AS t");
            session.rollback();
            String json = ran.results().get(0).json();

            assertThat(database.value(
                            "memory_app",
                            "SELECT (?::json #>> '{rows,0,t}')::" + type + " = '12026-01-01 12:30:00.5 UTC'::" + type,
                            json))
                    .as(json)
                    .isEqualTo("t");
        }
    }
}
