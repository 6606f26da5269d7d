package dev.perdure;

import dev.perdure.config.PerdureConfig;
import dev.perdure.database.Backoff;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseStatus.State;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.DatabaseWatch;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.database.ServerIdentity;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.embedded.EmbeddedServerException;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.schema.Migration;
import dev.perdure.schema.MigrationException;
import jakarta.enterprise.event.Event;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** From a URL to a database that is ready: finds it, migrates it, tells the others ({@link DatabaseReady}), and watches it from then on. */
final class DatabaseStart {

    private static final Logger LOG = Logger.getLogger(DatabaseStart.class);

    private final PerdureConfig config;
    private final Databases databases;
    private final ServedDatabase database;
    private final DatabaseStatus status;
    private final Event<DatabaseReady> ready;
    private String said = "";

    /** Trying again would not help: this process does not serve the database. */
    static final class ImpossibleException extends Exception {

        private static final long serialVersionUID = 1L;

        private final int exitCode;

        ImpossibleException(int exitCode, String message, @Nullable Throwable cause) {
            super(message, cause);
            this.exitCode = exitCode;
        }

        /** Of the process, if it has no other database. */
        int exitCode() {
            return exitCode;
        }
    }

    DatabaseStart(PerdureConfig config, Databases databases, ServedDatabase database, Event<DatabaseReady> ready) {
        this.config = config;
        this.databases = databases;
        this.database = database;
        this.status = database.status();
        this.ready = ready;
    }

    /** Returns never: it ends with an exception. */
    void run() throws InterruptedException, ImpossibleException {
        try {
            Optional<EmbeddedServer> embedded = startEmbedded();
            DatabaseUrl url = embedded.map(EmbeddedServer::workerUrl)
                    .orElseGet(
                            () -> DatabaseUrl.checked(database.options().url().orElseThrow()));
            status.isOf(url);
            migrate(url);
            embedded.ifPresent(TryOut::grant);
            status.set(State.READY, "answers");
            ready.fire(new DatabaseReady(database.name(), url));
            Banner.print(url, embedded);
            embedded.filter(server -> config.embeddedSample()).ifPresent(TryOut::startSample);
            new DatabaseWatch(url, status).run();
        } catch (InvalidDatabaseUrlException e) {
            throw impossible(Worker.EX_CONFIG, String.valueOf(e.getMessage()), null);
        } catch (EmbeddedServerException e) {
            throw impossible(1, String.valueOf(e.getMessage()), null);
        } catch (RuntimeException e) {
            throw impossible(1, "The worker cannot start", e);
        }
    }

    private ImpossibleException impossible(int exitCode, String message, @Nullable Throwable cause) {
        database.reached().countDown();
        status.set(State.REFUSED, message);
        return new ImpossibleException(exitCode, message, cause);
    }

    private Optional<EmbeddedServer> startEmbedded() {
        return database.options().url().isPresent()
                ? Optional.empty()
                : Optional.of(EmbeddedServer.start(config.embeddedDataDirectory(), config.embeddedPort()));
    }

    /** Tries until it works: a person who grants a missing right need not start the worker again. */
    private void migrate(DatabaseUrl url) throws InterruptedException, ImpossibleException {
        Backoff backoff = new Backoff();
        while (true) {
            status.set(State.STARTING, "connecting");
            try {
                claim(url);
                Migration.migrate(url, waiting -> {
                    status.set(State.STARTING, waiting);
                    LOG.warnf("%s. Waiting", waiting);
                });
                return;
            } catch (MigrationException | SQLException e) {
                database.reached().countDown();
                wait(url, String.valueOf(e.getMessage()));
                backoff.sleep();
            }
        }
    }

    private void wait(DatabaseUrl url, String problem) {
        status.set(State.STARTING, problem);
        if (!problem.equals(said)) {
            LOG.warnf("Waiting for %s, trying again until it works. %s", url, problem);
            said = problem;
        }
    }

    /** Two names of one database would stand for its election twice, and either could answer a request for it. */
    private void claim(DatabaseUrl url) throws SQLException, InterruptedException, ImpossibleException {
        if (!databases.areSeveral()) {
            return;
        }
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(ServerIdentity.SQL)) {
            row.next();
            ServerIdentity identity = new ServerIdentity(row.getString(1), row.getString(2), row.getString(3));
            Optional<String> first = databases.claim(database.name(), identity);
            database.reached().countDown();
            if (first.isPresent()) {
                throw impossible(
                        Worker.EX_CONFIG,
                        "perdure.databases.%s is the same database as perdure.databases.%s (system identifier %s, database oid %s). It is served under the name %s alone; remove the other one"
                                .formatted(
                                        database.name(),
                                        first.get(),
                                        identity.systemIdentifier(),
                                        identity.databaseOid(),
                                        first.get()),
                        null);
            }
        }
    }
}
