package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.DatabaseWatch;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.SharedAddress;
import dev.perdure.testing.Slow;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Primary and standby change places under load: nothing fails, nothing happens twice, and no session stays on the wrong side. */
@Slow("primary and standby made anew, and eight seconds in which a leader must not step down")
class SwitchoverTest {

    private static final Logger LOG = Logger.getLogger(SwitchoverTest.class);
    private static final String APP = "switch_app";
    private static final Map<String, String> SETTINGS = Map.of(
            "perdure.login.passwords." + APP,
            DebianServer.password(APP),
            "perdure.step.max-concurrent",
            "8",
            "perdure.leader.deadline",
            "2s");

    /** One role never gets all sessions: so many as there are sessions have one each. */
    private static final List<String> ROLES =
            IntStream.range(0, 8).mapToObj(i -> "switch_app" + i).toList();

    private static final double LONG_STEP = 0.3;
    /** Instances a second and session: 120 % of what it can do, on whatever machine. */
    private static final double RATE = 1.2 / LONG_STEP;

    private static final String SESSIONS_OF_STEPS =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perdure-step' AND state <> 'idle'";
    private static final String LONGEST_PAUSE =
            "SELECT max(e.pause)::numeric(6, 1) FROM (SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY at)) AS pause FROM effects) AS e";

    private static Map<String, String> settingsOfAll() {
        Map<String, String> settings = new HashMap<>(Map.of(
                "perdure.step.max-concurrent",
                Integer.toString(ROLES.size() / 2),
                "perdure.step.role-reserve",
                Integer.toString(ROLES.size() / 2),
                "perdure.leader.deadline",
                "2s"));
        ROLES.forEach(role -> settings.put("perdure.login.passwords." + role, DebianServer.password(role)));
        return settings;
    }

    private static void prepare(DebianServer server, String database) {
        server.createUser(APP, database);
        DebianServer.execute(
                server.url(APP, DebianServer.password(APP), database),
                "CREATE TABLE public.effects (instance text, step text, at timestamptz DEFAULT clock_timestamp());"
                        + " GRANT SELECT, INSERT ON public.effects TO PUBLIC");
    }

    /** The first of three steps keeps a session in use for {@link #LONG_STEP}; beside that the others take no time. */
    private static String workflow(String label) {
        return "df.sql('INSERT INTO effects SELECT ''" + label + "'', ''a'' FROM pg_sleep(" + LONG_STEP + ")')"
                + " ~> ('INSERT INTO effects VALUES (''" + label + "'', ''b'')' & 'INSERT INTO effects VALUES (''"
                + label + "'', ''c'')')";
    }

    /** Starts instances all the time, so many a second whether they end or not, and remembers those that were committed. */
    private static final class Load implements AutoCloseable {

        private final List<String> started = Collections.synchronizedList(new ArrayList<>());
        private final AtomicBoolean over = new AtomicBoolean();
        private final List<Thread> threads = new ArrayList<>();

        Load(DatabaseUrl address) {
            for (String role : ROLES) {
                DatabaseUrl url = address.withUser(role, DebianServer.password(role));
                Thread client = new Thread(() -> run(url));
                client.start();
                threads.add(client);
            }
        }

        private void run(DatabaseUrl url) {
            while (!over.get()) {
                try (Submitter app = Submitter.at(url)) {
                    long next = System.nanoTime();
                    while (!over.get()) {
                        String label = "load" + System.nanoTime();
                        started.add(Objects.requireNonNull(
                                app.value("SELECT df.start(" + workflow(label) + ", '" + label + "')")));
                        next += Math.round(1e9 / RATE);
                        LockSupport.parkNanos(next - System.nanoTime());
                    }
                } catch (SQLException e) {
                    // The server changes places: a client tries again.
                    Thread.onSpinWait();
                }
            }
        }

        List<String> started() {
            return List.copyOf(started);
        }

        @Override
        public void close() {
            over.set(true);
            try {
                for (Thread thread : threads) {
                    thread.join();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static String value(DatabaseUrl url, String sql) throws SQLException {
        try (Submitter session = Submitter.at(url)) {
            return String.valueOf(session.value(sql));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"one address", "two hosts"})
    void nothing_fails_and_nothing_happens_twice(String way) throws Exception {
        try (DebianServer server = DebianServer.own(Map.of())) {
            String database = server.newDatabase();
            prepare(server, database);
            ROLES.forEach(role -> server.createUser(role, database));
            int standby = server.standby();
            try (SharedAddress address = new SharedAddress(server.port())) {
                String owners = DebianServer.password("df_worker");
                DatabaseUrl url = way.equals("one address")
                        ? server.url(address.port(), "df_worker", owners, database)
                        : server.url(List.of(server.port(), standby), "df_worker", owners, database);
                try (InProcessWorker worker = InProcessWorker.start(url, settingsOfAll())) {
                    List<String> started;
                    try (Load load = new Load(server.superuser(address.port(), database))) {
                        // The worker has more to do than it can: no session is free, and steps wait for one.
                        await().during(Duration.ofSeconds(1))
                                .atMost(Duration.ofSeconds(60))
                                .untilAsserted(() -> assertThat(worker.statistics())
                                        .returns(ROLES.size(), EngineStatistics::sessionsInUse)
                                        .matches(
                                                statistics -> statistics.queuedSteps() > 0,
                                                "steps wait, of "
                                                        + load.started().size() + " instances"));
                        assertThat(value(server.superuser(database), SESSIONS_OF_STEPS))
                                .as("sessions that execute a step, beside those that have just ended one")
                                .isIn("6", "7", "8");
                        long epoch = worker.leaderStatus().epoch();
                        address.leadTo(server.port(), standby);
                        server.switchTo(standby);
                        long back = System.nanoTime();
                        await().until(() -> {
                            LeaderStatus.View view = worker.leaderStatus();
                            return view.role() == LeaderStatus.Role.LEADER && view.epoch() > epoch;
                        });
                        long leads = Duration.ofNanos(System.nanoTime() - back).toMillis();
                        // The address still names both, and everything goes on.
                        int before = load.started().size();
                        await().until(() -> load.started().size() > before + 50);
                        started = load.started();
                        LOG.infof(
                                "%s, %.0f instances a second with all %d sessions in use: leads again %d ms after the server was back;"
                                        + " no step was done for %s s in all",
                                way,
                                RATE * ROLES.size(),
                                ROLES.size(),
                                leads,
                                value(server.superuser(standby, database), LONGEST_PAUSE));
                    }
                    DatabaseUrl primary = server.superuser(standby, database);
                    try (Submitter app = Submitter.at(primary)) {
                        app.awaitValue("0", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')");
                        assertThat(app.value("SELECT count(*) FROM df.instances WHERE status <> 'completed'"))
                                .isEqualTo("0");
                        assertThat(Integer.parseInt(String.valueOf(app.value("SELECT count(*) FROM df.instances"))))
                                .isGreaterThanOrEqualTo(started.size());
                        assertThat(app.value("SELECT count(*) FROM (SELECT label FROM df.instances i JOIN effects e"
                                        + " ON e.instance = i.label GROUP BY label HAVING count(*) <> 3"
                                        + " OR count(DISTINCT step) <> 3) AS wrong"))
                                .isEqualTo("0");
                        assertThat(app.value("SELECT count(*) FROM df.instances i WHERE NOT EXISTS"
                                        + " (SELECT FROM effects e WHERE e.instance = i.label)"))
                                .isEqualTo("0");
                    }
                    // Nothing of the worker is left on the server that is a standby now.
                    DatabaseUrl former = server.superuser(server.port(), database);
                    await().until(() -> value(
                                    former,
                                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'df_worker'"
                                            + " OR application_name = 'perdure-step'")
                            .equals("0"));
                    assertThat(worker.statistics().stepsFailed()).isZero();
                }
            }
        }
    }

    @Test
    void a_watch_that_is_on_a_standby_moves_to_the_primary() throws Exception {
        try (DebianServer server = DebianServer.own(Map.of())) {
            String database = server.newDatabase();
            int standby = server.standby();
            try (SharedAddress address = new SharedAddress(standby)) {
                DatabaseStatus status = new DatabaseStatus();
                DatabaseWatch watch = new DatabaseWatch(
                        server.url(address.port(), "df_worker", DebianServer.password("df_worker"), database), status);
                try (Running running = new Running(watch)) {
                    await().until(() -> status.current().detail().contains("a replica"));
                    address.leadTo(server.port());
                    await().until(() -> status.current().state() == DatabaseStatus.State.READY
                            && !status.current().detail().contains("a replica"));
                    assertThat(running.thread.isAlive()).isTrue();
                }
            }
        }
    }

    @Test
    void a_candidate_that_is_on_a_standby_moves_to_the_primary() throws Exception {
        try (DebianServer server = DebianServer.own(Map.of())) {
            String database = server.newDatabase();
            int standby = server.standby();
            try (SharedAddress address = new SharedAddress(standby)) {
                DatabaseUrl url = server.url(address.port(), "df_worker", DebianServer.password("df_worker"), database);
                try (InProcessWorker worker = InProcessWorker.candidate(url, Map.of())) {
                    await().until(() -> worker.leaderStatus().detail().contains("a replica"));
                    // The standby stays what it is; the address leads elsewhere.
                    address.leadTo(server.port());
                    worker.awaitRole(LeaderStatus.Role.LEADER);
                }
            }
        }
    }

    @Test
    void commits_that_wait_for_a_lost_standby_are_said_and_waited_for() throws Exception {
        try (DebianServer server = DebianServer.own(Map.of())) {
            String database = server.newDatabase();
            prepare(server, database);
            DatabaseUrl owner = server.worker(database);
            DatabaseStatus status = new DatabaseStatus();
            try (InProcessWorker worker = InProcessWorker.start(owner, SETTINGS);
                    Running watch = new Running(new DatabaseWatch(owner, status));
                    Submitter app = Submitter.at(server.url(APP, DebianServer.password(APP), database))) {
                await().until(() -> status.current().state() == DatabaseStatus.State.READY);
                long epoch = worker.leaderStatus().epoch();
                app.execute("SET synchronous_commit = local");
                server.asSuperuser("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'lost'");
                server.asSuperuser("postgres", "SELECT pg_reload_conf()");
                // Every commit of the server waits once it has read its settings again; that of the owner is seen.
                List<String> ids = new ArrayList<>();
                await().pollInterval(Duration.ofMillis(250)).until(() -> {
                    ids.add(app.start(
                            "df.sleep(1) ~> 'INSERT INTO effects VALUES (''lost'', ''" + ids.size() + "'')'"));
                    return status.current().state() == DatabaseStatus.State.WAITING;
                });
                assertThat(status.current().detail()).contains("synchronous standby", "'lost'");
                // The leader goes on leading: nobody else could do better.
                await().during(Duration.ofSeconds(8))
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> worker.leaderStatus().role() == LeaderStatus.Role.LEADER
                                && worker.leaderStatus().epoch() == epoch);
                assertThat(Integer.parseInt(
                                value(owner, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'df_worker'")))
                        .as("sessions of the worker, none of them left behind")
                        .isLessThanOrEqualTo(8);

                server.asSuperuser("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
                server.asSuperuser("postgres", "SELECT pg_reload_conf()");
                await().until(() -> status.current().state() == DatabaseStatus.State.READY);
                for (String id : ids) {
                    assertThat(app.await(id).status()).isEqualTo("completed");
                }
                assertThat(app.value("SELECT count(*) || ' ' || count(DISTINCT step) FROM effects"))
                        .isEqualTo(ids.size() + " " + ids.size());
                assertThat(watch.thread.isAlive()).isTrue();
            }
        }
    }

    /** A watch on a thread. */
    private static final class Running implements AutoCloseable {

        private final CountDownLatch began = new CountDownLatch(1);
        private final Thread thread;

        Running(DatabaseWatch watch) {
            thread = new Thread(() -> {
                began.countDown();
                try {
                    watch.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            thread.start();
        }

        @Override
        public void close() {
            thread.interrupt();
            try {
                began.await();
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
