package dev.perdure.store;

import dev.perdure.database.OwnerSession;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Queries of the leader beside its {@link Journal}: about roles, logins, secrets. One session of its own, so
 * that nothing here delays an exchange.
 */
public final class OwnerQueries implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** SQLSTATEs after which the session is of no use: its server takes no writes. */
    private static final Set<String> WRONG_SERVER = Set.of("25006", "57P01", "57P02", "57P03");

    private final Vertx vertx;
    private final OwnerSession session;
    private final Term term;

    /**
     * The queries of a term; the first one connects.
     *
     * @param server that leadership was won on
     * @param identity of that server: any other behind the same address is refused
     */
    public OwnerQueries(Vertx vertx, PgConnectOptions server, ServerIdentity identity, Term term) {
        this.vertx = vertx;
        this.term = term;
        PgConnectOptions options = new PgConnectOptions(server)
                .setCachePreparedStatements(true)
                .addProperty("application_name", "perdure-questions");
        this.session =
                new OwnerSession(vertx, options, OwnerSettings.with(Map.of()), identity, PATIENCE, term.toString());
    }

    /** The secrets that the submitter of an instance may not use at this moment. */
    public Future<List<String>> refusedSecrets(String instance, List<String> names) {
        return query("SELECT * FROM df._refused_secrets($1, $2)", Tuple.of(instance, (Object)
                        names.toArray(String[]::new)))
                .map(OwnerQueries::ids);
    }

    /** The given instances that have ended and are wound up, or do not exist. */
    public Future<List<String>> ended(List<String> ids) {
        return query(
                        "SELECT x FROM unnest($1::text[]) AS x"
                                + " WHERE NOT EXISTS (SELECT FROM df._inbox i WHERE i.instance_id = x)",
                        Tuple.of(ids.toArray(String[]::new)))
                .map(rows -> {
                    List<String> ended = new ArrayList<>();
                    rows.forEach(row -> ended.add(row.getString(0)));
                    return ended;
                });
    }

    /** The given processes that the server no longer has, since their sessions have ended. */
    public Future<List<Integer>> gone(List<Integer> backends) {
        return query(
                        "SELECT x FROM unnest($1::int4[]) AS x"
                                + " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = x)",
                        Tuple.of(backends.toArray(Integer[]::new)))
                .map(rows -> {
                    List<Integer> gone = new ArrayList<>();
                    rows.forEach(row -> gone.add(row.getInteger(0)));
                    return gone;
                });
    }

    /**
     * A role as it is now.
     *
     * @param problem the reason why it may run no steps, or null
     */
    public record Role(String name, @Nullable String problem) {}

    /** The role with this oid, empty when it was dropped. */
    public Future<Optional<Role>> role(long oid) {
        return query("SELECT name, problem FROM df._role($1)", Tuple.of(oid)).map(rows -> {
            for (Row row : rows) {
                return Optional.of(new Role(row.getString(0), row.getString(1)));
            }
            return Optional.empty();
        });
    }

    /** Deletes the failed logins of earlier terms, and records whether this worker has passwords of submitters. */
    public Future<Void> beginLogins(boolean passwords) {
        return query("SELECT df._begin_logins($1, $2)", Tuple.of(term.epoch(), passwords))
                .mapEmpty();
    }

    /** Has {@code df.start} refuse the role from now on. */
    public Future<Void> loginFailed(long role, String problem) {
        return query("SELECT df._login_failed($1, $2, $3)", Tuple.of(term.epoch(), role, problem))
                .mapEmpty();
    }

    /** Has {@code df.start} accept the role again. */
    public Future<Void> loginWorks(long role) {
        return query("SELECT df._login_works($1, $2)", Tuple.of(term.epoch(), role))
                .mapEmpty();
    }

    /**
     * The outcome of {@link #admit}.
     *
     * @param released instances that may begin from now on
     * @param waits whether others wait in queues
     * @param millis after so long it is worth asking again; null: not before something changes
     * @param after queues that have had their turn, for the next call; empty when all have
     */
    public record Admitted(int released, boolean waits, @Nullable Long millis, List<UUID> after) {}

    /**
     * Lets instances begin that wait for their time, or for a slot of a queue.
     *
     * @param isFirst of this term
     * @param after see {@link Admitted}
     * @param ended instances whose slots may be free, as far as that is known
     */
    public Future<Admitted> admit(boolean isFirst, List<UUID> after, List<String> ended) {
        return query(
                        "SELECT released, waits, millis, after FROM df._admit($1, $2, $3, $4)",
                        Tuple.of(term.epoch(), isFirst, after.toArray(UUID[]::new), ended.toArray(String[]::new)))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Admitted(
                            row.getInteger(0), row.getBoolean(1), row.getLong(2), List.of(row.getArrayOfUUIDs(3)));
                });
    }

    /**
     * The outcome of a look at activities.
     *
     * @param more whether there may be more to do at once
     * @param present whether there are activities
     * @param moved whether places moved on from which activities are claimed
     */
    public record Swept(boolean more, boolean present, boolean moved) {}

    /**
     * Gives back activities whose leases have ended.
     *
     * @param whole looks at all of them, not only at those that have ended lately, and forgets old ends
     */
    public Future<Swept> sweepActivities(boolean whole) {
        return query("SELECT more, present, moved FROM df._sweep_activities($1, $2)", Tuple.of(term.epoch(), whole))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Swept(row.getBoolean(0), row.getBoolean(1), row.getBoolean(2));
                });
    }

    /** The key that signs addresses from now on. */
    public Future<AddressKey> addressKey() {
        return query("SELECT id, key FROM df._address_key()", Tuple.tuple()).map(rows -> {
            Row row = rows.iterator().next();
            return new AddressKey(row.getInteger(0), row.getBuffer(1).getBytes());
        });
    }

    private Future<RowSet<Row>> query(String sql, Tuple arguments) {
        return session.connected().compose(opened -> {
            Promise<RowSet<Row>> answer = Promise.promise();
            long timer = vertx.setTimer(PATIENCE.toMillis(), ignored -> {
                if (answer.tryFail(new IllegalStateException("no answer within " + PATIENCE.toMillis() + " ms"))) {
                    session.abandon(opened);
                }
            });
            opened.preparedQuery(sql).execute(arguments).onComplete(done -> {
                vertx.cancelTimer(timer);
                if (done.succeeded()) {
                    answer.tryComplete(done.result());
                    return;
                }
                if (!(done.cause() instanceof PgException error) || WRONG_SERVER.contains(error.getSqlState())) {
                    session.drop(opened);
                }
                answer.tryFail(done.cause());
            });
            return answer.future();
        });
    }

    private static List<String> ids(RowSet<Row> rows) {
        List<String> ids = new ArrayList<>(rows.size());
        for (Row row : rows) {
            ids.add(row.getString(0));
        }
        return ids;
    }

    /** Takes no more statements, and lets running ones end. */
    @Override
    public void close() {
        session.close();
    }
}
