package dev.perdure.attacks.stage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The most memory that a process has had (its resident set), looked at ten times a second. On Linux; elsewhere 0. */
final class Memory implements AutoCloseable {

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "memory of the worker");
        thread.setDaemon(true);
        return thread;
    });
    private volatile long pid;
    private volatile long peak;

    Memory(long pid) {
        this.pid = pid;
        timer.scheduleAtFixedRate(this::look, 0, 100, TimeUnit.MILLISECONDS);
    }

    void of(long anotherPid) {
        pid = anotherPid;
    }

    void reset() {
        peak = 0;
    }

    long peakMegabytes() {
        look();
        return peak;
    }

    private synchronized void look() {
        try {
            Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .forEach(now -> peak = Math.max(peak, now));
        } catch (IOException e) {
            // It has ended, or this is not Linux: what was seen so far stays.
            return;
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
