package dev.perdure.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Nobody but the owner can keep a worker from installing or upgrading the schema, and whoever is in the way is named. */
class MigrationLockTest {

    /** What Flyway locks: its own number and the hash of the name of its table. */
    private static final long FLYWAYS = 77_431_708_279_161L + "\"df\".\"flyway_schema_history\"".hashCode();

    /** What earlier builds of Perdure locked. */
    private static final long FORMER = 0x7065_7264_7572_6500L;

    private static final String UPGRADE =
            "UPDATE df.flyway_schema_history SET checksum = checksum + 1 WHERE script LIKE 'R\\_\\_03%'";

    private final PostgresServer server = PostgresServer.get();

    @Test
    void advisory_locks_of_a_role_without_any_right_do_not_matter() throws Exception {
        TestDatabase database = server.newEmptyDatabase();
        database.createRole("lock_mallory");
        try (Connection theirs = database.connect("lock_mallory");
                Statement statement = theirs.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(" + FLYWAYS + "), pg_advisory_lock(" + FORMER + ")");

            int files = CompletableFuture.supplyAsync(() -> Migration.migrate(database.url()))
                    .get(60, TimeUnit.SECONDS);
            assertThat(files).isPositive();
            database.execute(PostgresServer.OWNER, UPGRADE);
            assertThat(CompletableFuture.supplyAsync(() -> Migration.migrate(database.url()))
                            .get(60, TimeUnit.SECONDS))
                    .isEqualTo(1);
        }
    }

    @Test
    void only_the_owner_can_hold_the_lock_of_migrations() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.createUser("lock_user");
        assertThatThrownBy(() -> database.execute("lock_user", "COMMENT ON SCHEMA df IS NULL"))
                .hasMessageContaining("must be owner of schema df");
    }

    @Test
    void whoever_reads_a_view_that_is_replaced_is_named_and_holds_up_nobody_for_long() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.createUser("lock_reader");
        database.createUser("lock_neighbour");
        database.execute(PostgresServer.OWNER, UPGRADE);
        List<String> waiting = new CopyOnWriteArrayList<>();
        try (Connection theirs = database.connect("lock_reader");
                Statement statement = theirs.createStatement()) {
            theirs.setAutoCommit(false);
            statement.execute("SELECT count(*) FROM df.nodes");

            MigrationException said = catchThrowableOfType(
                    MigrationException.class, () -> Migration.migrate(database.url(), waiting::add));

            assertThat(said)
                    .hasMessageContaining("held by the session with pid")
                    .hasMessageContaining("lock_reader");
            assertThat(waiting).singleElement().asString().contains("of role lock_reader");
            assertThat(database.value("lock_neighbour", "SELECT count(*) FROM df.nodes"))
                    .isEqualTo("0");
            theirs.rollback();
        }
        assertThat(Migration.migrate(database.url())).isEqualTo(1);
    }

    @Test
    void a_worker_that_waits_for_another_one_says_for_which_and_goes_on_afterwards() throws Exception {
        TestDatabase database = server.newDatabase();
        List<String> waiting = new CopyOnWriteArrayList<>();
        try (Connection other = database.connect(PostgresServer.OWNER);
                Statement statement = other.createStatement()) {
            statement.execute("SET application_name = 'perdure migration other'");
            other.setAutoCommit(false);
            statement.execute("COMMENT ON SCHEMA df IS NULL");

            CompletableFuture<Integer> migration =
                    CompletableFuture.supplyAsync(() -> Migration.migrate(database.url(), waiting::add));
            await().until(() -> !waiting.isEmpty());
            assertThat(waiting.get(0)).contains("of role df_worker (perdure migration other)");
            assertThat(migration).isNotDone();
            other.rollback();
            assertThat(migration.get(60, TimeUnit.SECONDS)).isZero();
        }
    }

    @Test
    void a_worker_that_was_stopped_in_the_middle_of_a_migration_is_ended() throws Exception {
        TestDatabase database = server.newDatabase();
        try (Connection stopped = database.connect(PostgresServer.OWNER);
                Statement statement = stopped.createStatement()) {
            statement.execute("SET application_name = 'perdure migration stopped'");
            stopped.setAutoCommit(false);
            statement.execute("COMMENT ON SCHEMA df IS NULL");

            assertThat(CompletableFuture.supplyAsync(
                                    () -> Migration.migrate(database.url(), ignored -> {}, Duration.ofSeconds(3)))
                            .get(60, TimeUnit.SECONDS))
                    .isZero();
            assertThatThrownBy(() -> statement.execute("SELECT 1")).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void a_prepared_transaction_that_is_in_the_way_is_named() throws Exception {
        try (DebianServer own = DebianServer.own(Map.of("max_prepared_transactions", "5"))) {
            String name = own.newDatabase();
            DatabaseUrl worker = own.worker(name);
            DebianServer.execute(worker, "BEGIN; COMMENT ON SCHEMA df IS NULL; PREPARE TRANSACTION 'forgotten'");
            List<String> waiting = new CopyOnWriteArrayList<>();
            CompletableFuture<Integer> migration =
                    CompletableFuture.supplyAsync(() -> Migration.migrate(worker, waiting::add));

            await().until(() -> !waiting.isEmpty());
            assertThat(waiting.get(0)).contains("the prepared transaction 'forgotten' of role df_worker");
            DebianServer.execute(worker, "ROLLBACK PREPARED 'forgotten'");
            assertThat(migration.get(60, TimeUnit.SECONDS)).isZero();
        }
    }
}
