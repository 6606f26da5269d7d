package dev.perdure.database;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.MDC;
import org.jspecify.annotations.Nullable;

/**
 * Threads that serve one database. Where a worker has several, their log lines have its name in the field {@code database}.
 *
 * @param database its name; empty where there is one only
 */
public record DatabaseThreads(String database) {

    /** Those of the only database. */
    public static final DatabaseThreads ONLY = new DatabaseThreads("");

    private static final String FIELD = "database";

    /** A thread that is not started. */
    public Thread thread(String name, Runnable task) {
        return new Thread(() -> named(task), name);
    }

    /** Makes daemons, numbered from 0. */
    public ThreadFactory daemons(String name) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = thread(name + "-" + number.getAndIncrement(), task);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Runs a task whose log lines name this database. */
    public void named(Runnable task) {
        Object before = MDC.get(FIELD);
        set(database.isEmpty() ? null : database);
        try {
            task.run();
        } finally {
            set(before);
        }
    }

    private static void set(@Nullable Object value) {
        if (value == null) {
            MDC.remove(FIELD);
        } else {
            MDC.put(FIELD, value);
        }
    }
}
