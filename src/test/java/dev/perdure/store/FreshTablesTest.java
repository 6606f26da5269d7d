package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tables that have just been filled have no statistics, and the planner takes many rows for few: the owner reads pages of a list in order
 * nevertheless, and never all of it (ADR 83).
 */
class FreshTablesTest {

    private JournalWorld world;
    private Term term;
    private PgJournal journal;

    @BeforeEach
    void begin() throws Exception {
        world = new JournalWorld();
        for (List<String> table : world.database.rows(
                PostgresServer.OWNER,
                "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r'")) {
            world.database.execute(
                    PostgresServer.OWNER, "ALTER TABLE " + table.get(0) + " SET (autovacuum_enabled = off)");
        }
        term = world.newTerm();
        journal = world.journal(term);
    }

    @AfterEach
    void end() throws Exception {
        journal.close();
        world.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"NULL", "'{}'"})
    void items_of_a_map_that_has_just_begun_are_read_a_page_at_a_time(String activity) throws Exception {
        long map = world.map(journal, 1, 1);
        world.database.execute(
                PostgresServer.OWNER,
                "INSERT INTO df._map_items (map_id, ordinal, item) SELECT " + map
                        + ", g, '{\"x\": 1}' FROM generate_series(2, 100000) AS g");
        world.database.execute(PostgresServer.OWNER, "UPDATE df._maps SET activity = " + activity);
        try (Connection connection = world.database.connect(PostgresServer.OWNER)) {
            connection.setAutoCommit(false);
            assertThat(TestDatabase.entriesRead(
                            connection,
                            "df._map_items_pkey",
                            "SELECT * FROM df._open_items(" + term.epoch() + ", '{" + map
                                    + "}', '{0}', '{250}', 262144, 262144, 262144, '{0}', '{0}', '{0}')"))
                    .isBetween(250L, 1_000L);
            connection.rollback();
        }
    }

    /** A plan lives as long as its session: on small tables the planner joins what is asked for with all that there is. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT df._mark(%1$d, '[{\"instance\": \"%2$s\", \"started_at\": \"2026-01-01T00:00:00Z\"}]')",
                "SELECT * FROM df._begin(%1$d, '[{\"instance\": \"%2$s\", \"node\": \"a1b2c3d4\","
                        + " \"execution_id\": \"%2$s::1\", \"attempt\": 1, \"started_at\": \"2026-01-01T00:00:00Z\"}]')",
                "SELECT * FROM df._load(ARRAY['%2$s'], 262144, 262144)",
                "SELECT * FROM df._signals(ARRAY['%2$s'], ARRAY['go'], 262144)",
                "SELECT * FROM df._signals(ARRAY['%2$s'], ARRAY[chr(1) || 'a1b2c3d4'], 262144)",
                "SELECT df._write(%1$d, ARRAY['%2$s'], ARRAY[1], ARRAY['{}'], ARRAY['{\"wake_at\": \"infinity\"}'])",
            })
    void plans_that_were_made_while_tables_were_small_read_what_is_asked_for(String statement) throws Exception {
        try (Connection connection = world.database.connect(PostgresServer.OWNER)) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 10; i++) {
                TestDatabase.rows(
                        connection, statement.formatted(term.epoch(), world.start(JournalWorld.ALICE, "'SELECT 1'")));
                connection.rollback();
            }
            world.database.rows(
                    JournalWorld.ALICE,
                    "SELECT count(*) FROM df.start_many('SELECT 1', 'SELECT n FROM generate_series(1, 20000) AS n')");
            String one = world.start(JournalWorld.ALICE, "'SELECT 1'");

            assertThat(TestDatabase.pages(connection, statement.formatted(term.epoch(), one)))
                    .isLessThan(200);
            connection.rollback();
        }
    }
}
