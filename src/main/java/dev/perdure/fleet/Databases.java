package dev.perdure.fleet;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.InvalidDatabasesException;
import dev.perdure.config.PerdureConfig;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.ServerIdentity;
import dev.perdure.leader.LeaderCompanion;
import dev.perdure.leader.Spread;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduler;
import io.vertx.core.Vertx;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** All databases of this process, in the order of their names. Thread-safe. */
@Singleton
public class Databases {

    /** The longest wait for databases that come earlier in the order of names and do not answer. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final Instance<LeaderCompanion> companions;
    private final List<ServedDatabase> all;
    private final @Nullable String problem;
    /** The identity of a database, as the server tells it. Copies of a server have its identifier, and another start time. */
    private final ConcurrentMap<ServerIdentity, String> names = new ConcurrentHashMap<>();

    Databases(Vertx vertx, PerdureConfig config, Scheduler scheduler, Instance<LeaderCompanion> companions) {
        this.companions = companions;
        List<DatabaseOptions> options = List.of();
        String why = null;
        try {
            List<DatabaseOptions> found = DatabaseOptions.of(config);
            DatabaseOptions.checkVariables(System.getenv().keySet(), found);
            options = found;
        } catch (InvalidDatabasesException e) {
            why = e.getMessage();
        }
        problem = why;
        Spread spread = new Spread(options.size(), config.leader().spreadInterval());
        ServedDatabase.Shared shared = new ServedDatabase.Shared(vertx, config, scheduler, spread);
        boolean isOnly = options.size() == 1;
        all = options.stream()
                .map(one -> new ServedDatabase(one, isOnly, shared))
                .toList();
    }

    /** The problem of the settings; there are no databases then. */
    public Optional<String> problem() {
        return Optional.ofNullable(problem);
    }

    public List<ServedDatabase> all() {
        return all;
    }

    /** Whether there is more than one, so that a database has to be named. */
    public boolean areSeveral() {
        return all.size() > 1;
    }

    public Optional<ServedDatabase> named(String name) {
        return all.stream().filter(one -> one.name().equals(name)).findFirst();
    }

    /** After all others: the operator knows the database before it can be led. */
    void begin(@Observes @Priority(Integer.MAX_VALUE) DatabaseReady ready) {
        named(ready.name()).ifPresent(one -> one.begin(ready.url(), companions));
    }

    /** All at once: each may wait for steps that run. */
    void end(@Observes ShutdownEvent shutdown) throws InterruptedException {
        List<Thread> ends = new ArrayList<>();
        for (ServedDatabase one : all) {
            Thread end = one.threads().thread("perdure-end", one::end);
            end.start();
            ends.add(end);
        }
        for (Thread end : ends) {
            end.join();
        }
    }

    /**
     * Registers the database to which a name leads. Of two names of one database, the first one in order has it, where both are reached
     * when the process begins.
     *
     * @param identity of server and database
     * @return the name that was registered for this database before; empty when there is none
     */
    public Optional<String> claim(String name, ServerIdentity identity) throws InterruptedException {
        long until = System.nanoTime() + PATIENCE_NANOS;
        for (ServedDatabase earlier : all) {
            if (earlier.name().equals(name)) {
                break;
            }
            earlier.reached().await(until - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
        String first = names.putIfAbsent(identity, name);
        return Optional.ofNullable(first).filter(other -> !other.equals(name));
    }
}
