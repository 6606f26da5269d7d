package dev.perdure.attacks.stage;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.Extent;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.HttpService;
import dev.perdure.testing.WorkerProcess;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A database, a worker that leads it, and the victim. Attacks take place one after the other; what one leaves, the next does not meet. */
public final class Stage implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** What an HTTP step keeps of an answer grows most when each byte has to be escaped. */
    private static final byte[] CONTROL_CHARACTERS = controlCharacters(16 * 1024 * 1024);

    private static final String UNFINISHED = "SELECT count(*) FROM df._inbox x WHERE x.role <> 'victim'::regrole";

    private final int megabytes;
    private final Extent extent;
    private final AttackedServer server;
    private final HttpService service = new HttpService();
    private final CountDownLatch end = new CountDownLatch(1);
    private final Submitter owner;
    private final Victim victim;
    private WorkerProcess worker;
    private Memory memory;

    /**
     * A new one.
     *
     * @param megabytes heap of its worker
     */
    public Stage(int megabytes, Extent extent) throws SQLException {
        this.megabytes = megabytes;
        this.extent = extent;
        this.server = AttackedServer.create();
        server.createRole(Victim.ROLE, true);
        server.createRole(Attackers.NOBODY, false);
        for (String role : Attackers.submitters()) {
            server.createRole(role, true);
        }
        server.asSuperuser("ALTER ROLE " + Attackers.LIMITED + " CONNECTION LIMIT 1");
        service.on("/fine", 200, "text/plain", "fine")
                .on("/slow", (exchange, request) -> {
                    end.await();
                    HttpService.respond(exchange, 200, "text/plain", "at last");
                })
                .on(
                        "/escaped",
                        (exchange, request) -> HttpService.respond(exchange, 200, "text/plain", CONTROL_CHARACTERS));
        this.owner = Submitter.at(server.url("df_worker"));
        this.worker = start();
        this.memory = new Memory(worker.pid());
        worker.awaitLeader();
        this.victim = new Victim(server, service.url("/fine"));
    }

    /** What it consists of. */
    public String description() {
        return server.description() + ", worker with -Xmx" + megabytes + "m";
    }

    private WorkerProcess start() {
        List<String> settings = new ArrayList<>();
        settings.add("perdure.http.allow=localhost:" + service.port());
        settings.add("perdure.login.passwords." + Victim.ROLE + "=" + AttackedServer.password(Victim.ROLE));
        for (String role : Attackers.submitters()) {
            settings.add("perdure.login.passwords." + role + "=" + AttackedServer.password(role));
        }
        // As images start it: what runs out of memory ends, and in a container of that size the JVM takes its serial collector. The
        // other one cannot move what is large: thirty megabytes in one piece found no place among 150 MB that were free.
        return WorkerProcess.start(
                List.of(("-Xmx" + megabytes + "m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError " + System.getProperty("attacks.jvm", ""))
                        .split(" ")),
                Map.of(),
                server.url("df_worker"),
                settings.toArray(String[]::new));
    }

    private static byte[] controlCharacters(int size) {
        byte[] bytes = new byte[size];
        java.util.Arrays.fill(bytes, (byte) 1);
        return bytes;
    }

    /**
     * The victim alone.
     *
     * @return what was measured
     */
    public Outcome alone() throws Exception {
        victim.reset();
        hold();
        return new Outcome("nobody attacks", beside("alone", extent.limit()), rss(), List.of());
    }

    /** An attack, while the victim is measured; then the same again under the next leader; then everything is cancelled. */
    public Outcome attack(Attack attack) throws Exception {
        List<String> wrong = new ArrayList<>();
        List<Outcome.Phase> phases = new ArrayList<>();
        String done;
        long pid = worker.pid();
        memory.reset();
        try (Attackers attackers = new Attackers(server, extent, service.url(""))) {
            String term = term();
            victim.reset();
            done = attack.carryOut(attackers);
            for (int i = 0; i < attack.holds(); i++) {
                hold();
            }
            phases.addAll(beside("beside", extent.limit()));
            wrong.addAll(stillThere(pid, term));
            if (worker.isAlive()) {
                boolean isReplaced = extent.longForm() || attack.isAimedAtStarts();
                if (isReplaced) {
                    replaceWorker();
                } else {
                    endTerm(term);
                }
                pid = worker.pid();
                term = term();
                victim.reset();
                hold();
                phases.addAll(beside("next leader", extent.limit()));
                wrong.addAll(stillThere(pid, term));
            }
        }
        String peak = rss();
        if (worker.isAlive()) {
            wrong.addAll(cleanUp());
        }
        return new Outcome(done, phases, peak, wrong);
    }

    /** Whether what an attack has left cannot harm the next one. */
    public boolean isFitForMore() {
        return worker.isAlive();
    }

    private void hold() throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(extent.hold().toNanos());
    }

    private List<Outcome.Phase> beside(String name, Duration limit) {
        return List.of(new Outcome.Phase(name, victim.measured(), limit));
    }

    private List<String> stillThere(long pid, String term) throws SQLException {
        List<String> wrong = new ArrayList<>();
        if (!worker.isAlive()) {
            wrong.add("the worker with pid " + pid + " has ended with status " + worker.awaitEnd());
        } else if (!term.equals(term())) {
            wrong.add("term " + term + " has ended, and " + term() + " begun");
        }
        return wrong;
    }

    private String term() throws SQLException {
        return String.valueOf(owner.value("SELECT last_value FROM df._epoch_seq"));
    }

    /** The leader's session is ended: the same process drops all memory and leads again. */
    private void endTerm(String term) throws SQLException {
        owner.value("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND application_name = 'perdure-leader'");
        Awaitility.await("the next term").atMost(PATIENCE).until(() -> !term.equals(term()));
        worker.awaitLeader();
    }

    private void replaceWorker() {
        worker.kill();
        worker = start();
        memory.of(worker.pid());
        worker.awaitLeader();
    }

    /** Cancels everything of the attackers, which must be wound up. */
    private List<String> cleanUp() throws SQLException {
        List<String> wrong = new ArrayList<>();
        owner.value("WITH gone AS (DELETE FROM df._schedules s WHERE s.submitted_by <> 'victim'::regrole RETURNING 1)"
                + " SELECT count(*) FROM gone");
        owner.value("SELECT count(df.cancel(i.id)) FROM df.instances i WHERE i.submitted_by <> 'victim'::regrole"
                + " AND i.status IN ('pending', 'running')");
        try {
            Awaitility.await("what was cancelled is wound up")
                    .atMost(PATIENCE)
                    .until(() -> "0".equals(owner.value(UNFINISHED)));
        } catch (ConditionTimeoutException e) {
            wrong.add(owner.value(UNFINISHED) + " cancelled instances are not wound up after " + PATIENCE.toSeconds()
                    + " s");
        }
        owner.value("WITH gone AS (UPDATE df._queues q SET dropped_at = now() WHERE q.owner <> 'victim'::regrole RETURNING 1)"
                + " SELECT count(*) FROM gone");
        return wrong;
    }

    private String rss() {
        return memory.peakMegabytes() + " MB";
    }

    /** What the worker has said. */
    public String log() {
        return worker.log();
    }

    @Override
    public void close() throws SQLException {
        victim.close();
        worker.close();
        memory.close();
        end.countDown();
        service.close();
        owner.close();
    }
}
