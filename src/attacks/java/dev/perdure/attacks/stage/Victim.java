package dev.perdure.attacks.stage;

import dev.perdure.engine.Submitter;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A submitter with small work of every kind, each kind over and over in a thread of its own, and measured. */
public final class Victim implements AutoCloseable {

    /** The role. */
    public static final String ROLE = "victim";

    /** What programs of the victim's claim. */
    public static final String KIND = "victim work";

    private static final long PAUSE_MILLIS = 250;
    private static final long[] LOOKS = {2, 3, 5, 10, 20};

    /** One service of a kind. */
    @FunctionalInterface
    private interface Service {
        void serve(Submitter victim, Watch watch) throws Exception;
    }

    private final AttackedServer server;
    private final List<Watch> watches = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    /**
     * Begins to work.
     *
     * @param http that answers at once
     */
    Victim(AttackedServer server, String http) {
        this.server = server;
        add("start", (victim, watch) -> {
            String id = watch.time(() -> victim.start("'SELECT 1'"));
            ended(victim, id, "completed");
        });
        add("step", (victim, watch) -> watch.time(() -> run(victim, "'SELECT 1' ~> 'SELECT 2'", "completed")));
        add("timer", (victim, watch) -> watch.time(1000, () -> run(victim, "df.sleep(1)", "completed")));
        add("failure", (victim, watch) -> watch.time(() -> run(victim, "'SELECT 1 / 0'", "failed")));
        add("HTTP", (victim, watch) -> watch.time(() -> run(victim, "df.http('" + http + "')", "completed")));
        add("signal", (victim, watch) -> {
            String id = watch.time(() -> waiting(victim, victim.start(Submitter.GATE)));
            watch.time(() -> {
                victim.open(id);
                return ended(victim, id, "completed");
            });
        });
        add(
                "activity",
                (victim, watch) -> watch.time(() -> {
                    String id = victim.start("df.activity('" + KIND + "')");
                    // Others may have granted it work of the same kind: it does that too, and its own all the same.
                    while (!"completed".equals(victim.value("SELECT df.status(?)", id))) {
                        victim.value("SELECT count(df.complete_activity(token)) FROM df.claim_activities('" + KIND
                                + "', 10, '20 milliseconds')");
                    }
                    return ended(victim, id, "completed");
                }));
        add("cancel", (victim, watch) -> {
            String id = watch.time(() -> waiting(victim, victim.start("df.sleep(3600)")));
            watch.time(() -> {
                victim.value("SELECT df.cancel(?)", id);
                return ended(victim, id, "cancelled");
            });
        });
        add("map", (victim, watch) -> watch.time(() -> run(
                victim, "df.map('SELECT n FROM generate_series(1, 3) AS n', 'SELECT $item.n' ~> 'SELECT 1')", "completed")));
        add("call", (victim, watch) -> watch.time(() -> run(victim, "df.call('victims')", "completed")));
        add("queue", (victim, watch) -> watch.time(() -> run(
                victim, "'SELECT 1', options => '{\"queue\": \"victims\", \"key\": \"a\"}'", "completed")));
        add("section", (victim, watch) -> watch.time(
                () -> run(victim, "df.with_queue('SELECT 1', 'victims sections', 'b')", "completed")));
        add("lease", (victim, watch) -> {
            String id = victim.start("df.activity('victims, lost', lease => '1 s')");
            victim.value("SELECT count(*) FROM df.claim_activities('victims, lost', 1, '20 s')");
            // It ends after a second, and is looked for once a second, or every four while there was no activity.
            watch.time(5000, () -> victim.value(
                    "SELECT count(df.complete_activity(token)) FROM df.claim_activities('victims, lost', 1, '60 s')"));
            ended(victim, id, "completed");
        });
        add("schedule", (victim, watch) -> {
            String next = victim.value("SELECT date_trunc('minute', clock_timestamp()) + interval '1 minute'");
            String wait = victim.value(
                    "SELECT greatest(0, extract(epoch FROM ?::timestamptz - clock_timestamp()) * 1000)::int", next);
            long millis = Long.parseLong(String.valueOf(wait));
            watch.time(millis, () -> {
                TimeUnit.MILLISECONDS.sleep(millis);
                return await(
                        victim,
                        "SELECT status FROM df.instances i JOIN df.schedule_runs r ON r.instance_id = i.id"
                                + " WHERE r.schedule = 'victims' AND r.planned_at = ?::timestamptz",
                        String.valueOf(next),
                        "completed");
            });
        });
        prepare();
        threads.forEach(Thread::start);
    }

    private void prepare() {
        try (Submitter victim = Submitter.at(server.url(ROLE))) {
            victim.execute("SELECT df.create_queue('victims', concurrency => 3, concurrency_per_key => 2)");
            victim.execute("SELECT df.create_queue('victims sections', concurrency => 3)");
            victim.execute("SELECT df.define('victims', 'SELECT 1')");
            victim.execute("SELECT df.create_schedule('victims', '* * * * *', 'SELECT 1')");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void add(String kind, Service service) {
        Watch watch = new Watch(kind);
        watches.add(watch);
        Thread thread = new Thread(() -> serve(service, watch), "victim: " + kind);
        thread.setDaemon(true);
        threads.add(thread);
    }

    private void serve(Service service, Watch watch) {
        try {
            while (!stopped) {
                try (Submitter victim = Submitter.at(server.url(ROLE))) {
                    while (!stopped) {
                        service.serve(victim, watch);
                        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
                    }
                } catch (SQLException | IllegalStateException e) {
                    watch.wrong(String.valueOf(e.getMessage()));
                    TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            // Stopped.
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            watch.wrong(e.toString());
        }
    }

    private String run(Submitter victim, String workflow, String status) throws SQLException, InterruptedException {
        return ended(victim, victim.start(workflow), status);
    }

    private String ended(Submitter victim, String id, String status) throws SQLException, InterruptedException {
        String found = await(
                victim, "SELECT status FROM df.instances WHERE id = ? AND output IS NOT NULL", id, null);
        if (!status.equals(found)) {
            throw new IllegalStateException("instance " + id + " is " + found + ", not " + status + ": "
                    + victim.value("SELECT output FROM df.instances WHERE id = ?", id));
        }
        return id;
    }

    private String waiting(Submitter victim, String id) throws SQLException, InterruptedException {
        await(victim, "SELECT status FROM df.nodes WHERE instance_id = ?", id, "running");
        return id;
    }

    private String await(Submitter victim, String sql, String id, @org.jspecify.annotations.Nullable String wanted)
            throws SQLException, InterruptedException {
        for (int look = 0; ; look++) {
            String found = victim.value(sql, id);
            if (found != null && (wanted == null || wanted.equals(found))) {
                return found;
            }
            if (stopped) {
                throw new InterruptedException();
            }
            TimeUnit.MILLISECONDS.sleep(LOOKS[Math.min(look, LOOKS.length - 1)]);
        }
    }

    /** Begins to measure anew. */
    void reset() {
        watches.forEach(Watch::reset);
    }

    /** What was measured since. */
    List<Watch.Measured> measured() {
        return watches.stream().map(Watch::measured).toList();
    }

    @Override
    public void close() {
        stopped = true;
        threads.forEach(Thread::interrupt);
        try {
            for (Thread thread : threads) {
                thread.join(5000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
