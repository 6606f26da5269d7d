package dev.perdure.store;

import dev.perdure.database.Failure;
import dev.perdure.database.OwnerSessions;
import dev.perdure.flow.Checkpoint;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The worker's own statements of one term, on the reactive client and as the owner of schema df. Every write is fenced
 * by the term's epoch: it fails with SQLSTATE DF002 once another term has begun.
 */
public final class InstanceStore implements AutoCloseable {

    private final OwnerSessions sessions;
    private final Term term;

    public InstanceStore(Vertx vertx, PgConnectOptions server, int poolSize, Term term) {
        this.sessions = new OwnerSessions(vertx, server, poolSize, term.toString());
        this.term = term;
    }

    public Term term() {
        return term;
    }

    /**
     * Takes pending instances up, of all roles alike and the oldest of each first, and loads them.
     *
     * @param except oids of roles of which none is taken
     */
    public Future<List<LoadedInstance>> take(int limit, int maxNodes, List<Long> except) {
        return query(
                        "SELECT l.* FROM df._take($1, $2, $3, $4) AS taken(ids), df._load(taken.ids) AS l",
                        Tuple.of(term.epoch(), limit, maxNodes).addArrayOfLong(except.toArray(Long[]::new)))
                .map(LoadedRows::read);
    }

    /** How many of the given instances, from the first on, are small enough to be loaded at once; at least one. */
    public Future<Integer> countLoadable(List<String> ids, int maxNodes) {
        return query("SELECT cardinality(df._first_with_nodes($1, $2))", Tuple.of(ids.toArray(String[]::new), maxNodes))
                .map(rows -> rows.iterator().next().getInteger(0));
    }

    /** Loads the given instances; those that do not exist are missing from the result. */
    public Future<List<LoadedInstance>> load(List<String> ids) {
        if (ids.isEmpty()) {
            return Future.succeededFuture(List.of());
        }
        return query("SELECT * FROM df._load($1)", Tuple.of(ids.toArray(String[]::new)))
                .map(LoadedRows::read);
    }

    /**
     * Running instances for taking them over, the newest first.
     *
     * @param last the last one of the page before, or {@link RunningInstance#FIRST}
     */
    public Future<List<RunningInstance>> runningAfter(RunningInstance last, int limit) {
        return query(
                        "SELECT id, role, created_at, sleeps FROM df._running_before($1, $2, $3)",
                        Tuple.of(utc(last.createdAt()), last.candidate().id(), limit))
                .map(rows -> {
                    List<RunningInstance> running = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        running.add(new RunningInstance(
                                new Candidate(row.getString(0), row.getLong(1)),
                                row.getOffsetDateTime(2).toInstant(),
                                row.getBoolean(3)));
                    }
                    return running;
                });
    }

    /** Cancelled instances that have not been wound up, with the reason. */
    public Future<Map<String, String>> cancelling(int limit) {
        return query("SELECT instance_id, reason FROM df._cancelling($1)", Tuple.of(limit))
                .map(rows -> {
                    Map<String, String> reasons = new java.util.LinkedHashMap<>();
                    for (Row row : rows) {
                        reasons.put(row.getString(0), row.getString(1));
                    }
                    return reasons;
                });
    }

    /** Instances with a node that becomes due after {@code from} and not after {@code to}, the earliest first. */
    public Future<List<Candidate>> dueBetween(Instant from, Instant to) {
        return query(
                        "SELECT i.id::text, i.submitted_by::oid::bigint"
                                + " FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id"
                                + " WHERE n.wake_at > $1 AND n.wake_at <= $2 AND n.status = 'running'"
                                + " AND i.status = 'running' GROUP BY i.id ORDER BY min(n.wake_at)",
                        Tuple.of(utc(from), utc(to)))
                .map(rows -> {
                    List<Candidate> due = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        due.add(new Candidate(row.getString(0), row.getLong(1)));
                    }
                    return due;
                });
    }

    /**
     * A signal that has come.
     *
     * @param isWaitedFor whether the instance's rows say that it waits for signals
     */
    public record Arrival(Candidate instance, String name, boolean isWaitedFor) {}

    /** Signals that have come since the last look, each once. An answer that is lost is not given again. */
    public Future<List<Arrival>> newSignals(int limit) {
        return query(
                        "SELECT s.instance_id, s.name, s.waited_for,"
                                + " coalesce((SELECT i.submitted_by::oid::bigint FROM df.instances i"
                                + " WHERE i.id = s.instance_id), 0)"
                                + " FROM df._new_signals($1, $2) AS s",
                        Tuple.of(term.epoch(), limit))
                .map(rows -> {
                    List<Arrival> arrivals = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        arrivals.add(new Arrival(
                                new Candidate(row.getString(0), row.getLong(3)), row.getString(1), row.getBoolean(2)));
                    }
                    return arrivals;
                });
    }

    /**
     * A signal that nothing has consumed.
     *
     * @param data JSON text
     */
    public record Signal(String instance, String name, long id, String data) {}

    /** The oldest signal that nothing has consumed, for each pair of instance and name; pairs without one are left out. */
    public Future<List<Signal>> oldestSignals(List<String> instances, List<String> names) {
        return query(
                        "SELECT instance_id, name, id, data FROM df._oldest_signals($1, $2)",
                        Tuple.tuple()
                                .addArrayOfString(instances.toArray(String[]::new))
                                .addArrayOfString(names.toArray(String[]::new)))
                .map(rows -> {
                    List<Signal> signals = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        signals.add(new Signal(row.getString(0), row.getString(1), row.getLong(2), row.getString(3)));
                    }
                    return signals;
                });
    }

    /** The outcome of one owner's checkpoint: the status of the instance, or why it was not written. */
    public record Written(@Nullable String status, @Nullable Failure failure) {}

    /**
     * Writes checkpoints in one transaction.
     *
     * @return one outcome for each, in order
     */
    public Future<List<Written>> write(List<OwnerCheckpoint> checkpoints) {
        String[] instances = checkpoints.stream().map(OwnerCheckpoint::instance).toArray(String[]::new);
        String[] documents = checkpoints.stream()
                .map(c -> CheckpointDocument.of(c.checkpoint(), c.atLeastOnce()))
                .toArray(String[]::new);
        return query("SELECT df._checkpoints($1, $2, $3)", Tuple.of(term.epoch(), instances, documents))
                .map(rows -> {
                    List<Written> outcomes = new ArrayList<>();
                    for (Row row : rows) {
                        outcomes.add(written(row.getString(0)));
                    }
                    return outcomes;
                });
    }

    /**
     * A checkpoint that the owner writes: of timers and failures, which have no transaction of a step to share.
     *
     * @param atLeastOnce nodes whose effect happened outside a transaction, with the reason
     */
    public record OwnerCheckpoint(String instance, Checkpoint checkpoint, Map<String, String> atLeastOnce) {}

    private static Written written(String answer) {
        if (answer.equals("stale")) {
            return new Written(null, new Failure(Failure.Kind.STALE, "DF001", "stale checkpoint"));
        }
        if (answer.startsWith("error:")) {
            String[] parts = answer.split(":", 3);
            return new Written(null, new Failure(Failure.Kind.STEP, parts[1], parts[2]));
        }
        return new Written(answer, null);
    }

    /**
     * A node that is to be shown as running.
     *
     * @param attempt null to leave it
     */
    public record Mark(
            String instance,
            String node,
            @Nullable String priorStamp,
            String stamp,
            @Nullable Instant startedAt,
            @Nullable Integer attempt) {}

    /** Marks nodes as running; rows that are locked or have moved on are left out of the result. */
    public Future<List<Mark>> mark(List<Mark> marks) {
        if (marks.isEmpty()) {
            return Future.succeededFuture(List.of());
        }
        return query(
                        "SELECT instance_id, node_id FROM df._mark_running($1, $2)",
                        Tuple.of(term.epoch(), MarkDocument.of(marks)))
                .map(rows -> {
                    Map<String, Mark> asked = new java.util.HashMap<>();
                    marks.forEach(mark -> asked.put(mark.instance() + mark.node(), mark));
                    List<Mark> done = new ArrayList<>();
                    for (Row row : rows) {
                        Mark mark = asked.get(row.getString(0) + row.getString(1));
                        if (mark != null) {
                            done.add(mark);
                        }
                    }
                    return done;
                });
    }

    /**
     * A node whose request may be sent now, as far as its being recorded goes.
     *
     * @param started when the instance was started, for telling it from another one that had the same id
     * @param role the submitter's name; null when the role no longer exists
     * @param mayHttp whether the submitter has EXECUTE on {@code df.http}
     * @param mayMultipart the same for {@code df.http_multipart}
     */
    public record Begun(
            String instance,
            String node,
            String started,
            @Nullable String role,
            boolean mayHttp,
            boolean mayMultipart) {}

    /** Marks nodes as running like {@link #mark}, but durably: the commit has reached the disk when this completes. */
    public Future<List<Begun>> begin(List<Mark> marks) {
        return query(
                        "SELECT instance_id, node_id, started, role_name, may_http, may_multipart"
                                + " FROM df._begin_requests($1, $2)",
                        Tuple.of(term.epoch(), MarkDocument.of(marks)))
                .map(rows -> {
                    List<Begun> begun = new ArrayList<>();
                    for (Row row : rows) {
                        begun.add(new Begun(
                                row.getString(0),
                                row.getString(1),
                                row.getString(2),
                                row.getString(3),
                                row.getBoolean(4),
                                row.getBoolean(5)));
                    }
                    return begun;
                });
    }

    /** Which of the secrets the submitter of an instance may not use at this moment. */
    public Future<List<String>> refusedSecrets(String instance, List<String> names) {
        return query("SELECT * FROM df._refused_secrets($1, $2)", Tuple.of(instance, (Object)
                        names.toArray(String[]::new)))
                .map(InstanceStore::ids);
    }

    /**
     * Whether a checkpoint of the step was committed, after its connection was lost. A locking read: the lost backend may
     * still be committing, and then this waits for it.
     */
    public Future<Boolean> isCommitted(String instance, String node, String stamp) {
        return query(
                        "SELECT status IN ('completed', 'failed') AND status_details ->> 'execution_id' = $3"
                                + " FROM df.nodes WHERE instance_id = $1 AND id = $2 FOR NO KEY UPDATE",
                        Tuple.of(instance, node, stamp))
                .map(rows -> rows.size() == 1
                        && Boolean.TRUE.equals(rows.iterator().next().getBoolean(0)));
    }

    /** Those of the given instances that have ended and are wound up, or do not exist. */
    public Future<List<String>> ended(List<String> ids) {
        return query(
                        "SELECT x FROM unnest($1::text[]) AS x WHERE NOT EXISTS (SELECT FROM df.instances i WHERE i.id = x"
                                + " AND (i.status IN ('pending', 'running') OR i.output IS NULL))",
                        Tuple.of(ids.toArray(String[]::new)))
                .map(rows -> {
                    List<String> ended = new ArrayList<>();
                    rows.forEach(row -> ended.add(row.getString(0)));
                    return ended;
                });
    }

    /** Says whether starts, signals and cancels have to send a NOTIFY. */
    public Future<Void> setIdle(boolean idle) {
        return query("SELECT df._set_idle($1, $2)", Tuple.of(term.epoch(), idle))
                .mapEmpty();
    }

    /** A value of {@code df.settings}. */
    public Future<Optional<String>> setting(String name) {
        return query("SELECT value FROM df.settings WHERE name = $1", Tuple.of(name))
                .map(rows -> rows.size() == 0
                        ? Optional.empty()
                        : Optional.ofNullable(rows.iterator().next().getString(0)));
    }

    /**
     * A role as it is now.
     *
     * @param problem what speaks against steps of it, or null
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

    /** Forgets what earlier terms knew about logins, and says whether this worker has passwords of submitters. */
    public Future<Void> beginLogins(boolean passwords) {
        return query("SELECT df._begin_logins($1, $2)", Tuple.of(term.epoch(), passwords))
                .mapEmpty();
    }

    /** {@code df.start} refuses the role from now on. */
    public Future<Void> loginFailed(long role, String problem) {
        return query("SELECT df._login_failed($1, $2, $3)", Tuple.of(term.epoch(), role, problem))
                .mapEmpty();
    }

    /** {@code df.start} accepts the role again. */
    public Future<Void> loginWorks(long role) {
        return query("SELECT df._login_works($1, $2)", Tuple.of(term.epoch(), role))
                .mapEmpty();
    }

    private Future<RowSet<Row>> query(String sql, Tuple arguments) {
        return sessions.query(sql, arguments);
    }

    private static List<String> ids(RowSet<Row> rows) {
        List<String> ids = new ArrayList<>(rows.size());
        for (Row row : rows) {
            ids.add(row.getString(0));
        }
        return ids;
    }

    private static OffsetDateTime utc(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    /** Takes no more statements, and lets those that are under way end. */
    @Override
    public void close() {
        sessions.close();
    }
}
