package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Jobs of docs/scenarios.md, in the words that stand there, each with a term that ends in the middle of it. Triggers count what has been
 * committed, and hold up one effect until the test lets it pass. What {@code JobsTest} sees is the outcome, and an update that happens
 * twice does not show there.
 */
@SuppressWarnings("try")
class ScenariosTest {

    private static final List<Page.Block> BLOCKS =
            Page.of("scenarios.md").blocks().stream().filter(Page.Block::isSql).toList();

    private static final String COUNTER =
            """
            CREATE SCHEMA counted AUTHORIZATION app;
            CREATE TABLE counted.effect (of text NOT NULL, key text NOT NULL);
            CREATE TABLE counted.gate (of text NOT NULL, key text NOT NULL);
            CREATE FUNCTION counted.count() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO counted.effect VALUES (TG_TABLE_NAME, to_jsonb(NEW) ->> TG_ARGV[0]);
                IF EXISTS (SELECT FROM counted.gate WHERE of = TG_TABLE_NAME AND to_jsonb(NEW) ->> TG_ARGV[0] LIKE key) THEN
                    PERFORM pg_advisory_xact_lock_shared(4711);
                END IF;
                RETURN NULL;
            END $$;
            ALTER TABLE counted.effect OWNER TO app;
            ALTER TABLE counted.gate OWNER TO app""";

    private static TestDatabase database;
    private static Submitter app;
    private ExampleService service;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('app', include_http => true)");
        database.asSuperuser(COUNTER);
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
    }

    @BeforeEach
    void serve() {
        service = new ExampleService();
    }

    @AfterEach
    void close() {
        service.close();
    }

    @Test
    void etl_loads_each_line_once() throws SQLException {
        Job job = job("etl");
        job.count("rejected", "id").count("purchase", "id").count("raw_line", "id");

        String id = job.killedAt("raw_line", "450", "400", "SELECT count(*) FROM raw_line WHERE loaded");

        assertThat(app.result(id).at("/rows/0").toString()).isEqualTo("{\"loaded\":495,\"rejected\":5}");
        assertEachOnce(1000);
    }

    @Test
    void a_fan_out_sums_each_region_up_once() throws SQLException {
        Job job = job("fan-out");
        job.count("total", "region");

        job.killedAt("total", "west", "2", "SELECT count(*) FROM total");

        assertEachOnce(3);
    }

    @Test
    void an_embedding_pipeline_writes_each_embedding_once() throws SQLException {
        Job job = job("embeddings");
        job.count("document", "id");

        job.killedAt("document", "12", "11", "SELECT count(*) FROM document WHERE embedding IS NOT NULL");

        assertEachOnce(12);
        assertThat(keysOf(service.received("/embeddings")))
                .as("a request that is sent again has the key that it had")
                .hasSize(12);
    }

    @Test
    void a_rate_limited_service_is_asked_for_each_row_until_it_answers() throws SQLException {
        Job job = job("rates");
        job.count("currency", "code");

        job.killedAt("currency", "NOK", "3", "SELECT count(*) FROM currency WHERE rate IS NOT NULL");

        assertEachOnce(4);
    }

    @Test
    void a_runbook_notes_its_work_once() throws SQLException {
        withPurchases(() -> {
            Job job = job("vacuum");
            job.count("runbook", "what");

            String id = job.killedAt(
                    "runbook",
                    "vacuumed",
                    "running",
                    "SELECT df.status(id) FROM df.instances WHERE label = 'vacuum'",
                    started -> app.value("SELECT df.signal(?, 'approve', '{\"by\": \"ops\"}')", started));

            assertThat(app.value("SELECT string_agg(what || ' by ' || approved_by, ',') FROM runbook"))
                    .isEqualTo("vacuumed by ops");
            assertThat(app.value("SELECT status FROM df.nodes WHERE instance_id = ? AND query LIKE 'VACUUM%'", id))
                    .isEqualTo("completed");
            assertEachOnce(1);
        });
    }

    @Test
    void an_order_takes_its_goods_once_and_gives_them_back_once_if_it_fails() throws SQLException {
        Job shipped = job(sql -> sql.contains("df.start(process_order('files')"));
        shipped.count("stock", "n").count("customer_order", "state");

        shipped.killedAt(
                "customer_order",
                "shipped",
                "2",
                "SELECT n FROM stock",
                started -> app.value("SELECT df.signal(?, 'shipped', '{}')", started));
        assertEachOnce(2);
        assertThat(keysOf(service.received("/files"))).hasSize(1);

        app.execute("TRUNCATE counted.effect, counted.gate");
        Job failing = new Job(statement(sql -> sql.contains("df.start(process_order('down')")));
        failing.killedAt("stock", "2", "1", "SELECT n FROM stock");
        assertEachOnce(3);
        assertThat(app.value("SELECT string_agg(key, ',' ORDER BY key) FROM counted.effect"))
                .as("taken, given back, and noted")
                .isEqualTo("1,2,http:503");
        assertThat(keysOf(service.received("/files")))
                .as("the charge of the one, the refund of the other")
                .hasSize(2);
    }

    @Test
    void a_report_of_a_night_is_one_row_whether_the_night_was_good_or_bad() throws SQLException {
        withPurchases(() -> {
            Job night = job(sql -> sql.equals("SELECT df.start(make_report());"));
            night.count("report", "purchases");
            night.killedAt("report", "5", "0", "SELECT count(*) FROM report");
            assertEachOnce(1);

            app.execute("TRUNCATE counted.effect, counted.gate; DROP TRIGGER count ON report;"
                    + " ALTER TABLE purchase RENAME TO purchase_of_last_year");
            night.count("report", "failure");
            night.killedAt("report", "%relation \"purchase\" does not exist%", "1", "SELECT count(*) FROM report");
            assertEachOnce(1);
            assertThat(app.value("SELECT count(*) || ', failed: ' || count(failure) FROM report"))
                    .isEqualTo("2, failed: 1");
        });
    }

    /** A table that another job makes. */
    private static void withPurchases(Part part) throws SQLException {
        String drop = "DROP TABLE IF EXISTS purchase, purchase_of_last_year";
        app.execute(
                drop + "; CREATE TABLE purchase (id bigint PRIMARY KEY, customer text NOT NULL, cents bigint NOT NULL);"
                        + " INSERT INTO purchase SELECT i, 'customer', i FROM generate_series(1, 5) AS i");
        part.run();
        app.execute(drop);
    }

    @FunctionalInterface
    private interface Part {
        void run() throws SQLException;
    }

    @FunctionalInterface
    private interface Meanwhile {
        void happens(String id) throws SQLException;
    }

    private static List<String> keysOf(List<HttpService.Received> requests) {
        return requests.stream()
                .map(request -> Objects.requireNonNull(request.header("idempotency-key")))
                .distinct()
                .toList();
    }

    private static void assertEachOnce(int effects) throws SQLException {
        assertThat(app.value("SELECT count(*) || ' of ' || count(DISTINCT (of, key)) FROM counted.effect"))
                .isEqualTo(effects + " of " + effects);
    }

    private InProcessWorker worker() {
        return InProcessWorker.start(database, Map.of("perdure.http.allow", service.authority()));
    }

    /** Whoever writes this row waits until {@link #open}. */
    private static void hold(String table, String key) throws SQLException {
        app.value("SELECT pg_advisory_lock(4711)");
        app.execute("INSERT INTO counted.gate VALUES ('" + table + "', '" + key + "')");
    }

    private static void awaitHeldUp() {
        app.awaitValue(
                "1",
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
                        + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
    }

    private static void open() throws SQLException {
        app.value("SELECT pg_advisory_unlock(4711)");
    }

    private Job job(String label) throws SQLException {
        return job(sql -> sql.endsWith("'" + label + "');") && sql.contains("df.start("));
    }

    private String statement(Predicate<String> wanted) {
        return BLOCKS.stream()
                .flatMap(block -> Example.of(block).stream())
                .map(Example::sql)
                .filter(wanted)
                .findFirst()
                .map(service::inPlaceOfLocalhost)
                .orElseThrow();
    }

    private Job job(Predicate<String> starts) throws SQLException {
        for (Page.Block block : BLOCKS) {
            List<String> before = new ArrayList<>();
            for (Example example : Example.of(block)) {
                if (starts.test(example.sql())) {
                    app.execute("TRUNCATE counted.effect, counted.gate");
                    for (String sql : before) {
                        app.execute(service.inPlaceOfLocalhost(sql));
                    }
                    return new Job(service.inPlaceOfLocalhost(example.sql()));
                }
                if (!example.sql().startsWith("SELECT")) {
                    before.add(example.sql());
                }
            }
        }
        throw new AssertionError("docs/scenarios.md starts nothing like it");
    }

    /** A job whose tables are there. */
    private final class Job {
        private final String sql;

        Job(String sql) {
            this.sql = sql;
        }

        Job count(String table, String key) throws SQLException {
            app.execute("CREATE TRIGGER count AFTER INSERT OR UPDATE ON " + table
                    + " FOR EACH ROW EXECUTE FUNCTION counted.count('" + key + "')");
            return this;
        }

        String start() throws SQLException {
            return Objects.requireNonNull(app.value(sql));
        }

        /**
         * Runs the job with a term that ends while this effect is held up.
         *
         * @param committed what the query answers by then
         * @return the instance, which has completed
         */
        String killedAt(String table, String key, String committed, String query) throws SQLException {
            return killedAt(table, key, committed, query, started -> {});
        }

        /** The same, and something happens once it is started. */
        String killedAt(String table, String key, String committed, String query, Meanwhile meanwhile)
                throws SQLException {
            String id;
            hold(table, key);
            try (InProcessWorker worker = worker()) {
                id = start();
                meanwhile.happens(id);
                app.awaitValue(committed, query);
                awaitHeldUp();
            }
            open();
            try (InProcessWorker worker = worker()) {
                Submitter.Ended ended = app.await(id);
                assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            }
            return id;
        }
    }
}
