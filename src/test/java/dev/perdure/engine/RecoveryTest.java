package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Memory and sessions are lost in the middle of workflows of every shape; each step's effect happens exactly once. */
class RecoveryTest {

    private TestDatabase database;
    private Submitter app;
    private Ledger ledger;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "recovery_app");
        ledger = Ledger.create(app);
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    private static String step(String name) {
        return Ledger.step(name, 0.02);
    }

    private static String chain(String prefix, int steps) {
        List<String> chain = new ArrayList<>();
        for (int i = 1; i <= steps; i++) {
            chain.add(step(prefix + i));
        }
        return "(" + String.join(" ~> ", chain) + ")";
    }

    /** Workflows by what they leave in the ledger, sorted. */
    private static Map<String, String> shapes() {
        Map<String, String> shapes = new LinkedHashMap<>();
        shapes.put("a1,a2,a3,a4,a5,a6,a7,a8,a9", chain("a", 9));
        shapes.put(
                "a1,a2,b1,b2,c1,c2,d",
                "df.join3(" + chain("a", 2) + "," + chain("b", 2) + "," + chain("c", 2) + ") ~> " + step("d"));
        shapes.put(
                "a,b,c,d",
                step("a") + " ~> df.if('SELECT pg_sleep(0.02) IS NOT NULL', " + step("b") + " ~> " + step("c") + ", "
                        + step("x") + ") ~> " + step("d"));
        shapes.put(
                "a,b,b,b,c",
                step("a") + " ~> df.loop(" + step("b")
                        + ", 'SELECT count(*) < 3 FROM ledger WHERE step = ''b'' AND instance = ''{sys_instance_id}''') ~> "
                        + step("c"));
        shapes.put(
                "r,r,r",
                "df.loop(" + step("r") + ", 'SELECT count(*) < 3 FROM ledger WHERE instance = ''{sys_instance_id}''')");
        shapes.put("a,b,w1,w2,w3", step("a") + " ~> df.race(df.sleep(3600), " + chain("w", 3) + ") ~> " + step("b"));
        shapes.put("a,z", step("a") + " ~> df.sleep(1) ~> " + step("z"));
        shapes.put(
                "n1,n2,n3",
                "'SELECT ''n1'' AS x, ''n2'' AS y' |=> 'n' ~>"
                        + " 'INSERT INTO ledger (instance, step) SELECT ''{sys_instance_id}'', $n.x FROM pg_sleep(0.02)' ~>"
                        + " 'INSERT INTO ledger (instance, step) SELECT ''{sys_instance_id}'', n.y FROM $n.*, pg_sleep(0.02)' ~> "
                        + step("n3"));
        shapes.put(
                "j1,j1,k1,k1",
                "df.loop(df.join(" + step("j1") + "," + step("k1")
                        + "), 'SELECT count(*) < 4 FROM ledger WHERE instance = ''{sys_instance_id}''')");
        shapes.put(
                "l,m",
                "df.join(" + step("l") + " ~> df.loop(df.break()), df.race(df.loop('SELECT 1'), df.sleep(1))) ~> "
                        + step("m"));
        return shapes;
    }

    private Map<String, String> startAll(int times) throws SQLException {
        Map<String, String> expected = new LinkedHashMap<>();
        for (int i = 0; i < times; i++) {
            for (Map.Entry<String, String> shape : shapes().entrySet()) {
                expected.put(app.start(shape.getValue()), shape.getKey());
            }
        }
        return expected;
    }

    private void assertAllDidWhatTheyHadTo(Map<String, String> expected) throws SQLException {
        for (Map.Entry<String, String> instance : expected.entrySet()) {
            var ended = app.await(instance.getKey());
            assertThat(ended.status())
                    .as("%s: %s", instance.getValue(), ended.output())
                    .isEqualTo("completed");
        }
        for (Map.Entry<String, String> instance : expected.entrySet()) {
            assertThat(app.value(
                            "SELECT string_agg(step, ',' ORDER BY step) FROM ledger WHERE instance = ?",
                            instance.getKey()))
                    .isEqualTo(instance.getValue());
        }
    }

    @Test
    void memory_is_lost_at_many_points_of_every_shape() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            Map<String, String> expected = startAll(5);
            int all = 5 * 44;
            for (int size = 0; size < all * 3 / 4; size = ledger.size()) {
                ledger.awaitSize(size + 8);
                worker.loseMemory();
            }

            assertAllDidWhatTheyHadTo(expected);
        }
    }

    @Test
    void sessions_of_submitters_and_of_the_worker_are_ended_in_a_stream() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.step.transient-retries", "100"));
                Submitter observer = Submitter.observer(database)) {
            Map<String, String> expected = startAll(5);
            int all = 5 * 44;
            for (int size = 0; size < all * 3 / 4; size = ledger.size()) {
                ledger.awaitSize(size + 4);
                observer.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND (application_name = 'perdure-step' OR usename = 'df_worker'"
                        + " AND application_name <> 'perdure-leader')");
            }

            assertAllDidWhatTheyHadTo(expected);
            assertThat(worker.leaderStatus().epoch()).as("one term").isEqualTo(1);
        }
    }

    @Test
    void all_sessions_of_the_worker_are_ended_the_leaders_too() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.step.transient-retries", "100"));
                Submitter observer = Submitter.observer(database)) {
            Map<String, String> expected = startAll(5);
            int all = 5 * 44;
            for (int size = 0; size < all * 3 / 4; size = ledger.size()) {
                ledger.awaitSize(size + 10);
                observer.value(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                + " WHERE datname = current_database() AND (application_name = 'perdure-step' OR usename = 'df_worker')");
            }

            assertAllDidWhatTheyHadTo(expected);
            assertThat(worker.leaderStatus().epoch()).isGreaterThan(1);
        }
    }

    @Test
    void instances_that_were_found_while_they_could_not_be_read_are_not_forgotten() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter observer = Submitter.observer(database)) {
            observer.execute("ALTER FUNCTION df._load(text[], bigint, bigint) RENAME TO _load_hidden");
            String rollbacks = "FROM pg_stat_database WHERE datname = current_database()";
            String before = String.valueOf(observer.value("SELECT xact_rollback " + rollbacks));
            List<String> ids = ledger.start(3, 2, 0);
            // The look that finds them fails.
            observer.awaitValue("t", "SELECT xact_rollback > ?::bigint " + rollbacks, before);
            observer.execute("ALTER FUNCTION df._load_hidden(text[], bigint, bigint) RENAME TO _load");

            ledger.assertEachStepHappenedOnce(ids, 2);
            assertThat(worker.leaderStatus().epoch()).as("in the same term").isEqualTo(1);
        }
    }
}
