package dev.perdure;

import dev.perdure.config.PerdureConfig;
import dev.perdure.database.DatabaseReady;
import dev.perdure.embedded.StopAtExit;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * From a started application to databases that are ready, each on a thread of its own ({@link DatabaseStart}), since one that is down must
 * delay neither the application, whose health checks report it, nor the others.
 */
@Singleton
class Startup {

    private static final Logger LOG = Logger.getLogger(Startup.class);

    private final PerdureConfig config;
    private final Databases databases;
    private final Event<DatabaseReady> ready;
    private final List<Thread> threads = new ArrayList<>();
    /** Databases that may become ready yet. */
    private final AtomicInteger left = new AtomicInteger();

    Startup(PerdureConfig config, Databases databases, Event<DatabaseReady> ready) {
        this.config = config;
        this.databases = databases;
        this.ready = ready;
    }

    /** Nothing happens without a database: {@link Worker} says so; tests need none. */
    void begin(@Observes StartupEvent event) {
        left.set(databases.all().size());
        for (ServedDatabase database : databases.all()) {
            Thread thread = database.threads().thread("perdure startup", () -> run(database));
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
    }

    /** Last of all observers: the others still need the databases. */
    void end(@Observes @Priority(Integer.MAX_VALUE) ShutdownEvent event) throws InterruptedException {
        threads.forEach(Thread::interrupt);
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        for (Thread thread : threads) {
            thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime())));
        }
        StopAtExit.applicationEnded();
    }

    private void run(ServedDatabase database) {
        try {
            new DatabaseStart(config, databases, database, ready).run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DatabaseStart.ImpossibleException e) {
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
            // The others go on; with none left, there is nothing to stay for.
            if (e.getCause() == null) {
                LOG.error(e.getMessage());
            } else {
                LOG.error(e.getMessage(), e.getCause());
            }
            if (left.decrementAndGet() == 0) {
                Quarkus.asyncExit(e.exitCode());
            }
        }
    }
}
