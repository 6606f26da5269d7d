package dev.perdure.faults.world;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.WorkerProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** Worker processes on one database, of which one leads. None outlives this JVM. */
public final class Workers implements AutoCloseable {

    private final DatabaseUrl url;
    private final String[] settings;
    private final Map<String, String> environment = new ConcurrentHashMap<>();
    private final List<WorkerProcess> running = new CopyOnWriteArrayList<>();
    private final Thread hook = new Thread(() -> running.forEach(WorkerProcess::close), "end workers");

    public Workers(DatabaseUrl url, String... settings) {
        this.url = url;
        this.settings = settings;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** A variable of the environment of all workers that are started from now on. */
    public Workers environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Starts one more; nothing is awaited. */
    public WorkerProcess start() {
        WorkerProcess worker = WorkerProcess.start(environment, url, settings);
        running.add(worker);
        return worker;
    }

    public List<WorkerProcess> all() {
        return List.copyOf(running);
    }

    /**
     * The one that says that it leads, at this moment; nobody while two do, of which one was paused and does not know yet
     * that its term is over.
     */
    public Optional<WorkerProcess> findLeader() {
        List<WorkerProcess> leaders = running.stream()
                .filter(worker -> worker.health("group/leader") == 200)
                .toList();
        return leaders.size() == 1 ? Optional.of(leaders.get(0)) : Optional.empty();
    }

    /** Waits until one says that it leads. */
    public WorkerProcess leader() {
        return Awaitility.await("a leader")
                .atMost(World.PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .until(this::findLeader, Optional::isPresent)
                .orElseThrow();
    }

    /** Waits until all of them lead or stand by; gives up after a while, since what is broken may keep one from it. */
    public void awaitReady() {
        try {
            Awaitility.await("all workers are ready")
                    .atMost(World.PATIENCE)
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> running.stream().allMatch(worker -> worker.health("ready") == 200));
        } catch (ConditionTimeoutException e) {
            System.out.println("        not all workers are ready: " + e.getMessage());
        }
    }

    /** One that does not lead. */
    public Optional<WorkerProcess> findStandby() {
        List<WorkerProcess> others = new ArrayList<>(running);
        findLeader().ifPresent(others::remove);
        return others.stream().findFirst();
    }

    /** SIGKILL. */
    public void kill(WorkerProcess worker) {
        worker.close();
        running.remove(worker);
    }

    /** Forgets one that has ended by itself. */
    public void ended(WorkerProcess worker) {
        worker.close();
        running.remove(worker);
    }

    @Override
    public void close() {
        all().forEach(this::kill);
        Runtime.getRuntime().removeShutdownHook(hook);
    }
}
