package dev.perdure;

import dev.perdure.config.PerdureConfig;
import dev.perdure.database.Backoff;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseStatus.State;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.DatabaseWatch;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.embedded.EmbeddedServerException;
import dev.perdure.embedded.StopAtExit;
import dev.perdure.schema.Migration;
import dev.perdure.schema.MigrationException;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * From a started application to a database that is ready: find it, migrate it, tell the others ({@link DatabaseReady}). On
 * a thread of its own, since a database that is down must not hold up the application, whose health checks say so.
 */
@Singleton
class Startup {

    private static final Logger LOG = Logger.getLogger(Startup.class);

    private final PerdureConfig config;
    private final DatabaseStatus status;
    private final Event<DatabaseReady> ready;
    private @Nullable Thread thread;

    Startup(PerdureConfig config, DatabaseStatus status, Event<DatabaseReady> ready) {
        this.config = config;
        this.status = status;
        this.ready = ready;
    }

    void begin(@Observes StartupEvent event) {
        if (config.database().url().isEmpty() && !config.embedded()) {
            return; // Worker says so; tests need no database
        }
        Thread started = new Thread(this::run, "perdure startup");
        started.setDaemon(true);
        started.start();
        thread = started;
    }

    /** Last of all observers: the others still need the database. */
    void end(@Observes @Priority(Integer.MAX_VALUE) ShutdownEvent event) throws InterruptedException {
        Thread started = thread;
        if (started != null) {
            started.interrupt();
            started.join(1_000);
        }
        StopAtExit.applicationEnded();
    }

    private void run() {
        try {
            Optional<EmbeddedServer> embedded = startEmbedded();
            DatabaseUrl url = embedded.map(EmbeddedServer::workerUrl)
                    .orElseGet(() -> DatabaseUrl.checked(config.database().url().orElseThrow()));
            status.isOf(url);
            migrate(url);
            embedded.ifPresent(TryOut::grant);
            status.set(State.READY, "answers");
            ready.fire(new DatabaseReady(url));
            Banner.print(url, embedded);
            embedded.filter(server -> config.embeddedSample()).ifPresent(TryOut::startSample);
            new DatabaseWatch(url, status).run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (InvalidDatabaseUrlException e) {
            LOG.error(e.getMessage());
            Quarkus.asyncExit(Worker.EX_CONFIG);
        } catch (EmbeddedServerException e) {
            if (!Thread.currentThread().isInterrupted()) {
                LOG.error(e.getMessage());
                Quarkus.asyncExit(1);
            }
        } catch (RuntimeException e) {
            LOG.error("The worker cannot start", e);
            Quarkus.asyncExit(1);
        }
    }

    private Optional<EmbeddedServer> startEmbedded() {
        return config.database().url().isPresent()
                ? Optional.empty()
                : Optional.of(EmbeddedServer.start(config.embeddedDataDirectory(), config.embeddedPort()));
    }

    /** Tries until it works: a person who grants a missing right need not start the worker again. */
    private void migrate(DatabaseUrl url) throws InterruptedException {
        Backoff backoff = new Backoff();
        String said = "";
        while (true) {
            try {
                status.set(State.STARTING, "connecting");
                Migration.migrate(url, waiting -> {
                    status.set(State.STARTING, waiting);
                    LOG.warnf("%s. Waiting", waiting);
                });
                return;
            } catch (MigrationException e) {
                String problem = String.valueOf(e.getMessage());
                status.set(State.STARTING, problem);
                if (!problem.equals(said)) {
                    LOG.warnf("Waiting for %s, trying again until it works. %s", url, problem);
                    said = problem;
                }
                backoff.sleep();
            }
        }
    }
}
