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
}
