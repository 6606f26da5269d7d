package dev.perdure.maintenance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is deleted, what is kept, and for whom nobody has to wait. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RetentionTest {

    private static final String OWNER = PostgresServer.OWNER;
    private static final String ROLE = "retired";
    private static final String OTHER = "retired_other";
    private static final Retention.Limits MONTH = new Retention.Limits(30, 1_000, 10);

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private final Retention retention = new Retention();
    private long epoch;

    RetentionTest() throws SQLException {
        database.createUser(ROLE);
        database.createUser(OTHER);
    }

    @BeforeEach
    void an_empty_database_and_a_new_term() throws SQLException {
        database.execute(
                OWNER,
                "BEGIN; DELETE FROM df._inbox; DELETE FROM df._checkpoints; DELETE FROM df._running; DELETE FROM df._cancels; DELETE FROM df.instances; COMMIT");
        epoch = Long.parseLong(value("SELECT epoch FROM df._begin_term()"));
    }

    /** An instance that ended so many days ago. */
    private String ended(String status, int daysAgo) throws SQLException {
        return ended(ROLE, status, daysAgo);
    }

    private String ended(String role, String status, int daysAgo) throws SQLException {
        String id = Objects.requireNonNull(database.value(role, "SELECT df.start('SELECT 1' ~> 'SELECT 2')"));
        database.execute(
                OWNER,
                """
                UPDATE df.instances SET status = '%s', output = 'o', created_at = now() - interval '%d days 1 hour',
                    completed_at = CASE WHEN '%s' = 'completed' THEN now() - interval '%d days' END
                WHERE id = '%s'"""
                        .formatted(status, daysAgo, status, daysAgo, id));
        return id;
    }

    private long run(Retention.Limits limits) throws SQLException {
        try (Connection connection = database.connect(OWNER)) {
            return retention.run(connection, epoch, limits);
        }
    }

    private String value(String sql) throws SQLException {
        return Objects.requireNonNull(database.value(OWNER, sql));
    }

    private List<String> left() throws SQLException {
        return database.rows(OWNER, "SELECT id FROM df.instances ORDER BY id").stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"completed", "failed", "cancelled"})
    void what_ended_before_the_window_is_deleted_with_its_nodes(String status) throws SQLException {
        ended(status, 31);
        String young = ended(status, 29);

        assertThat(run(MONTH)).isEqualTo(1);

        assertThat(left()).containsExactly(young);
        assertThat(value("SELECT string_agg(DISTINCT instance_id, ',') FROM df.nodes"))
                .isEqualTo(young);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pending", "running"})
    void what_has_not_ended_is_never_deleted(String status) throws SQLException {
        String id = ended(status, 4000);

        assertThat(run(new Retention.Limits(0, 0, 10))).isZero();

        assertThat(left()).containsExactly(id);
    }

    @Test
    void the_age_counts_from_the_end_and_not_from_the_start() throws SQLException {
        String id = ended("completed", 31);
        database.execute(OWNER, "UPDATE df.instances SET completed_at = now() - interval '1 day'");

        assertThat(run(MONTH)).isZero();

        assertThat(left()).containsExactly(id);
    }

    @Test
    void of_those_that_ended_only_the_newest_are_kept() throws SQLException {
        ended("completed", 3);
        ended("failed", 2);
        String newest = ended("cancelled", 0);
        String running = ended("running", 9);

        assertThat(run(new Retention.Limits(30, 1, 10))).isEqualTo(2);

        assertThat(left()).containsExactlyInAnyOrder(newest, running);
    }

    @Test
    void a_role_that_ends_many_takes_nothing_from_the_history_of_another() throws SQLException {
        List<String> kept = new ArrayList<>(List.of(ended(OTHER, "completed", 9), ended(OTHER, "failed", 8)));
        for (int i = 6; i > 0; i--) {
            String id = ended("completed", i);
            if (i <= 3) {
                kept.add(id);
            }
        }

        assertThat(run(new Retention.Limits(30, 5, 2))).isEqualTo(3);

        assertThat(left()).containsExactlyInAnyOrderElementsOf(kept);
    }

    @Test
    void roles_that_all_have_too_many_keep_as_many_each() throws SQLException {
        for (int i = 0; i < 4; i++) {
            ended("completed", 9);
            ended(OTHER, "completed", 1);
        }

        assertThat(run(new Retention.Limits(30, 4, 10))).isEqualTo(4);

        assertThat(value("SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT concat(submitted_by, count(*)) AS n"
                        + " FROM df.instances GROUP BY submitted_by) AS x"))
                .isEqualTo("retired2 retired_other2");
    }

    @Test
    void of_many_that_ended_at_the_same_time_as_many_are_kept_as_the_limit_says() throws SQLException {
        for (int i = 0; i < 5; i++) {
            ended("failed", 1);
        }
        database.execute(OWNER, "UPDATE df.instances SET created_at = now() - interval '1 day'");

        assertThat(run(new Retention.Limits(30, 2, 10))).isEqualTo(3);

        assertThat(left()).hasSize(2);
    }

    @Test
    void no_days_means_that_nothing_that_has_ended_is_kept() throws SQLException {
        ended("completed", 0);

        assertThat(run(new Retention.Limits(0, 1_000, 10))).isEqualTo(1);

        assertThat(left()).isEmpty();
    }

    @Test
    void more_than_one_batch_is_deleted_in_one_run() throws SQLException {
        for (int i = 0; i < 7; i++) {
            ended("completed", 40 + i);
        }

        assertThat(run(new Retention.Limits(30, 1_000, 3))).isEqualTo(7);

        assertThat(left()).isEmpty();
        assertThat(retention.deleted()).isGreaterThanOrEqualTo(7);
        assertThat(retention.lastRun()).isNotNull();
    }

    @Test
    void signals_and_executions_go_with_their_instance() throws SQLException {
        String id = ended("completed", 31);
        database.execute(
                OWNER,
                """
                INSERT INTO df.executions (instance_id, execution_id) VALUES ('%1$s', 1);
                INSERT INTO df.signals (instance_id, name) VALUES ('%1$s', 'waiting');
                INSERT INTO df.signals (instance_id, name, consumed_at) VALUES ('%1$s', 'consumed', now())"""
                        .formatted(id));

        run(MONTH);

        assertThat(value("SELECT (SELECT count(*) FROM df.signals) + (SELECT count(*) FROM df.executions)"))
                .isEqualTo("0");
    }

    @Test
    void deleting_an_instance_frees_its_idempotency_key() throws SQLException {
        String start = "SELECT df.start('SELECT 1', options => '{\"idempotency_key\": \"order-1\"}')";
        String first = Objects.requireNonNull(database.value(ROLE, start));
        assertThat(database.value(ROLE, start)).isEqualTo(first);
        database.execute(
                OWNER,
                "UPDATE df.instances SET status = 'failed', output = 'o', created_at = now() - interval '99 days'");

        run(MONTH);

        assertThat(database.value(ROLE, start)).isNotEqualTo(first);
    }

    @Test
    void a_cancelled_instance_stays_until_the_worker_has_wound_it_up() throws SQLException {
        String id = ended("cancelled", 31);
        database.execute(OWNER, "UPDATE df.instances SET output = NULL");

        assertThat(run(MONTH)).isZero();

        assertThat(left()).containsExactly(id);
    }

    @Test
    void a_row_that_somebody_locks_is_left_for_the_next_run_and_holds_up_nobody() throws SQLException {
        String locked = ended("completed", 32);
        ended("completed", 31);
        try (Connection user = database.connect("postgres");
                Statement statement = user.createStatement()) {
            statement.execute("BEGIN; SELECT 1 FROM df.instances WHERE id = '" + locked + "' FOR KEY SHARE");

            assertThat(run(MONTH)).isEqualTo(1);
            assertThat(left()).containsExactly(locked);
        }

        assertThat(run(MONTH)).isEqualTo(1);
    }

    @Test
    void a_worker_whose_term_is_over_deletes_nothing() throws SQLException {
        String id = ended("completed", 31);
        value("SELECT epoch FROM df._begin_term()");

        assertThatThrownBy(() -> run(MONTH)).isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState())
                .isEqualTo("DF002"));

        assertThat(left()).containsExactly(id);
    }

    @Test
    void users_may_not_delete() throws SQLException {
        for (String call : List.of("_delete_ended(1, now(), NULL, NULL, 1)", "_retention_limits(0, 0)", "_census()")) {
            assertThatThrownBy(() -> database.value(ROLE, "SELECT df." + call))
                    .hasMessageContaining("permission denied for function");
        }
    }

    @Test
    void the_census_counts_instances_by_status_and_nodes_that_wait() throws SQLException {
        ended("completed", 1);
        ended("completed", 1);
        ended("pending", 1);
        ended("running", 1);
        database.execute(
                OWNER,
                "UPDATE df._inbox SET wake_at = now()"
                        + " WHERE instance_id = (SELECT id FROM df.instances WHERE status = 'running')");
        Census census = new Census();

        try (Connection connection = database.connect(OWNER)) {
            census.take(connection);
        }

        assertThat(census.counts().instances())
                .containsEntry("completed", 2L)
                .containsEntry("pending", 1L)
                .containsEntry("running", 1L)
                .containsEntry("failed", 0L)
                .containsEntry("cancelled", 0L);
        assertThat(census.counts().waitingTimers()).isEqualTo(1);
        assertThat(census.counts().oldestPendingSeconds()).isBetween(86_000.0, 100_000.0);
    }
}
