package dev.perdure.engine;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.awaitility.Awaitility;

/**
 * What "served" means: each kind of progress of somebody who only works is there within two seconds, whatever others do. The worker has
 * to be started with {@link #settings}.
 */
public final class Served implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final double MOST_LOAD = 20;

    private final HttpService service = new HttpService();

    public Served() {
        service.on("/fine", 200, "text/plain", "fine");
    }

    /** A worker's settings, and what it needs to be asked for all of this. */
    public Map<String, String> settings(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(more);
        all.putIfAbsent("perdure.http.allow", "localhost:" + service.port());
        return all;
    }

    /** Somebody who may do all of this. */
    public static Submitter submitter(TestDatabase database, String role) throws SQLException {
        Submitter submitter = Submitter.of(database, role);
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('" + role + "', include_http => true)");
        return submitter;
    }

    /** An URL of the service is fetched by this worker. */
    public HttpService service() {
        return service;
    }

    /**
     * Two seconds, in which each thread of this machine gets what it asks for: on one that has other work everything takes as many times
     * as long as threads wait for a processor.
     */
    public static Duration limit() {
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()
                / Runtime.getRuntime().availableProcessors();
        return Duration.ofMillis((long) (LIMIT.toMillis() * Math.min(MOST_LOAD, Math.max(1, load))));
    }

    /** Every kind of progress, one after the other while a timer of a second runs. */
    public void assertServed(Submitter alice) throws SQLException {
        assertTimer(alice, assertServedBesideATimer(alice));
    }

    /**
     * The same, for a test that is over: nobody waits for the timer.
     *
     * @return what sleeps, for {@link #assertTimer}
     */
    public Timer assertServedBesideATimer(Submitter alice) throws SQLException {
        long begun = System.nanoTime();
        String timer = alice.start("df.sleep(1)");
        String started = alice.start("'SELECT 1'");
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        if (took.compareTo(limit()) > 0) {
            throw new AssertionError("a start took " + took);
        }
        served("a step", alice, started, "completed", limit());
        served("a chain", alice, alice.start("'SELECT 1' ~> 'SELECT 2'"), "completed", limit());
        served("a failing step", alice, alice.start("'SELECT 1 / 0'"), "failed", limit());
        served("an HTTP answer", alice, alice.start("df.http('" + service.url("/fine") + "')"), "completed", limit());
        String waiting = alice.start("df.wait_for_signal('go')");
        running("a wait for a signal", alice, waiting);
        alice.open(waiting);
        served("a signal", alice, waiting, "completed", limit());
        String sleeping = alice.start("df.sleep(3600)");
        running("a sleep", alice, sleeping);
        alice.value("SELECT df.cancel(?)", sleeping);
        served("a cancel", alice, sleeping, "cancelled", limit());
        return new Timer(timer, limit().plusSeconds(1));
    }

    /**
     * A timer of a second.
     *
     * @param id of its instance
     * @param limit for how long it may run, as busy as the machine is
     */
    public record Timer(String id, Duration limit) {}

    /** A timer of a second has run, for as long as it shall. */
    public void assertTimer(Submitter alice, Timer timer) throws SQLException {
        served("a timer", alice, timer.id(), "completed", timer.limit());
        double slept = Double.parseDouble(String.valueOf(alice.value(
                "SELECT extract(epoch FROM completed_at - created_at) FROM df.instances WHERE id = ?", timer.id())));
        if (slept * 1000 > timer.limit().toMillis()) {
            throw new AssertionError("a timer of a second took " + slept + " s");
        }
    }

    private static void running(String what, Submitter alice, String id) {
        await(what + " begins", limit(), alice, "SELECT status = 'running' FROM df.nodes WHERE instance_id = ?", id);
    }

    private static void served(String what, Submitter alice, String id, String status, Duration limit) {
        await(
                what + " is served",
                limit,
                alice,
                "SELECT status = '" + status + "' AND output IS NOT NULL FROM df.instances WHERE id = ?",
                id);
    }

    private static void await(String what, Duration limit, Submitter alice, String sql, String id) {
        Awaitility.await(what)
                .atMost(limit)
                .pollDelay(Duration.ZERO)
                .pollInterval(Looks.OFTEN)
                .until(() -> "t".equals(alice.value(sql, id)));
    }

    @Override
    public void close() {
        service.close();
    }
}
