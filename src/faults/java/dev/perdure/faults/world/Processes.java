package dev.perdure.faults.world;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Signals to processes that the suite has started. */
final class Processes {

    private Processes() {}

    static void signal(long pid, String name) {
        try {
            new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
