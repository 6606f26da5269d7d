package dev.perdure.faults.ledger;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Processes in Python that do {@link ActivityStep}s, with SIGKILL or SIGSTOP and SIGCONT for one of them every other second. None on a
 * machine without Python or its driver, which {@code ActivitiesPageTest} fetches into {@code target/program-drivers}.
 */
public final class PythonPrograms implements AutoCloseable {

    private static final Path DRIVER =
            Path.of("target", "program-drivers", "python").toAbsolutePath();
    private static final String PROGRAM =
            """
            import random, sys, time
            import psycopg

            url, kind = sys.argv[1], sys.argv[2]

            def claim(db, most):
                return db.execute("SELECT token, payload FROM df.claim_activities(%s, %s, '500 ms')", [kind, most]).fetchall()

            def complete(db, token, payload):
                db.execute("INSERT INTO app.effects (instance, step, began) VALUES (%s, %s, clock_timestamp())",
                           [payload["instance"], payload["step"]])
                db.execute("SELECT df.complete_activity(%s, '{\\"done\\": true}')", [token])

            def work(db):
                if random.random() < 0.3:
                    with db.transaction():
                        for token, payload in claim(db, random.randint(1, 3)):
                            complete(db, token, payload)
                    return
                for token, payload in claim(db, random.randint(1, 3)):
                    if random.random() < 0.03:
                        continue  # left hanging
                    if random.random() < 0.03:
                        time.sleep(2.5)  # longer than the lease
                    elif random.random() < 0.2:
                        db.execute("SELECT df.extend_activity(%s, '2 s', '1')", [token])
                    try:
                        with db.transaction():
                            complete(db, token, payload)
                    except psycopg.Error as e:
                        if e.sqlstate != "DF004":
                            raise

            while True:
                try:
                    with psycopg.connect(url, autocommit=True, connect_timeout=5) as db:
                        db.execute("SET idle_in_transaction_session_timeout = '10s'")
                        while True:
                            work(db)
                except psycopg.Error:
                    time.sleep(0.2)
            """;

    private final List<String> urls;
    private final List<@Nullable Process> processes = new ArrayList<>();
    private final @Nullable Path script;
    private final Thread fate = new Thread(this::strike, "fate of programs");
    private final AtomicLong killed = new AtomicLong();
    private final AtomicLong stopped = new AtomicLong();
    private volatile boolean over;

    /**
     * Starts one for each URL.
     *
     * @param folder for the program and what it says
     */
    public PythonPrograms(Path folder, List<String> urls) {
        this.urls = urls;
        this.script = Files.exists(DRIVER.resolve("installed")) ? write(folder) : null;
        if (script == null) {
            return;
        }
        for (int i = 0; i < urls.size(); i++) {
            processes.add(start(i));
        }
        fate.setDaemon(true);
        fate.start();
    }

    private static Path write(Path folder) {
        try {
            return Files.writeString(folder.resolve("program.py"), PROGRAM);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Process start(int place) {
        Path file = java.util.Objects.requireNonNull(script);
        ProcessBuilder builder = new ProcessBuilder("python3", file.toString(), urls.get(place), ActivityStep.KIND);
        builder.environment().putAll(Map.of("PYTHONPATH", DRIVER.toString()));
        try {
            return builder.redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            file.resolveSibling("program.log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException("python3 cannot be started", e);
        }
    }

    private void strike() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        try {
            while (!over) {
                TimeUnit.MILLISECONDS.sleep(random.nextLong(500, 3500));
                int place = random.nextInt(processes.size());
                Process process = java.util.Objects.requireNonNull(processes.get(place));
                if (random.nextInt(3) > 0 || !process.isAlive()) {
                    process.destroyForcibly().waitFor();
                    killed.incrementAndGet();
                    if (!over) {
                        processes.set(place, start(place));
                    }
                } else {
                    signal("-STOP", process);
                    TimeUnit.MILLISECONDS.sleep(random.nextLong(100, 4000));
                    signal("-CONT", process);
                    stopped.incrementAndGet();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void signal(String name, Process process) throws InterruptedException {
        try {
            new ProcessBuilder("kill", name, Long.toString(process.pid())).start().waitFor();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What became of them, for the figures. */
    public String figures() {
        return script == null
                ? "no programs in Python: its driver is not there"
                : killed.get() + " programs in Python killed, " + stopped.get() + " stopped for a while";
    }

    @Override
    public void close() {
        over = true;
        fate.interrupt();
        try {
            fate.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Process process : processes) {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }
}
