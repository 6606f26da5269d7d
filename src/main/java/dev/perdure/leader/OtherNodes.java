package dev.perdure.leader;

import dev.perdure.database.LogText;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ReactiveSessions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The other nodes of Citus, in one term: makes schema {@code df} ready for them, and sees to it that what the coordinator left prepared
 * there is ended. In a session of its own, where a node that does not answer is not taken for the server. Used by the election's thread
 * alone.
 */
final class OtherNodes implements AutoCloseable {

    /** How often the nodes are looked at while a term lasts, and while it waits for them. */
    private static final Duration CALM = Duration.ofSeconds(5);

    private static final Duration WAITING = Duration.ofMillis(500);
    /** After which a look counts as unanswered: Citus gives up a node that does not answer the connection before that. */
    private static final Duration ANSWER = Duration.ofSeconds(60);
    /** What is prepared on nodes that answer is ended within that time, or a term begins all the same. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Logger LOG = Logger.getLogger(OtherNodes.class);
    private static final String SETTLE =
            "SELECT s.problem, s.unreached, s.prepared, s.may_recover FROM df._settle_nodes() AS s";
    private static final String REMEDY =
            "GRANT EXECUTE ON FUNCTION recover_prepared_transactions() TO the owner of schema df";

    /** What a look has found. */
    private record Found(@Nullable String problem, String unreached, Set<String> prepared, boolean mayRecover) {

        /** Without other nodes. */
        static Found alone(@Nullable String problem) {
            return new Found(problem, "", Set.of(), true);
        }
    }

    private final Vertx vertx;
    private final PgConnectOptions server;
    private final long begin = System.nanoTime();
    private volatile @Nullable PgConnection session;
    private volatile boolean closed;
    private @Nullable Future<Found> look;
    private long lookedAt;
    /** Prepared on nodes when the term began, and there still; null before the first answer. */
    private @Nullable Set<String> left;

    private boolean isOver;
    private String problem = "";
    private String unreached = "";
    private boolean saidRights;

    OtherNodes(Vertx vertx, PgConnectOptions server) {
        this.vertx = vertx;
        this.server = new PgConnectOptions(server).addProperty("application_name", "perdure-nodes");
    }

    /** Looks again when it is time, and takes up what was found. Does not wait. */
    void turn() {
        Future<Found> current = look;
        long now = System.nanoTime();
        if (current == null) {
            if (lookedAt == 0 || now - lookedAt > (isReady() ? CALM : WAITING).toNanos()) {
                lookedAt = now;
                look = ask();
            }
        } else if (current.isComplete()) {
            look = null;
            lookedAt = now;
            if (current.succeeded()) {
                take(current.result());
            } else {
                refused(current.cause());
            }
        } else if (now - lookedAt > ANSWER.toNanos()) {
            look = null;
            drop();
            LOG.warnf("The nodes of Citus were not looked at: no answer within %d s", ANSWER.toSeconds());
        }
    }

    /** Why no term may begin, or go on; empty for no reason. */
    String problem() {
        return problem;
    }

    /** Whether a term may begin, as far as the nodes are concerned. */
    boolean isReady() {
        return isOver && problem.isEmpty();
    }

    /** What a term waits for, in words. */
    String waitsFor() {
        Set<String> waiting = left;
        return waiting == null
                ? "the nodes of Citus are being looked at"
                : waiting.size()
                        + " transactions that the coordinator of Citus left prepared on its nodes are to be ended first";
    }

    private Future<Found> ask() {
        return connected()
                .compose(open -> open.query("SELECT df._citus_problem() AS problem, df._prepare_two_phases() AS nodes")
                        .execute()
                        .map(rows -> rows.iterator().next())
                        .compose(here -> here.getBoolean(1) && here.getString(0) == null
                                ? open.query(SETTLE)
                                        .execute()
                                        .map(rows -> found(rows.iterator().next()))
                                : Future.succeededFuture(Found.alone(here.getString(0)))));
    }

    private static Found found(Row row) {
        String[] prepared = row.getArrayOfStrings(2);
        return new Found(
                row.getString(0),
                row.getString(1) == null ? "" : row.getString(1),
                prepared == null ? Set.of() : new HashSet<>(Arrays.asList(prepared)),
                row.getBoolean(3));
    }

    private void take(Found found) {
        problem = found.problem() == null ? "" : found.problem();
        if (!found.unreached().equals(unreached)) {
            unreached = found.unreached();
            if (unreached.isEmpty()) {
                LOG.info("All nodes of Citus answer");
            } else {
                LOG.warnf("Nodes of Citus do not answer the owner of schema df: %s", LogText.of(unreached));
            }
        }
        if (!found.mayRecover() && !saidRights) {
            saidRights = true;
            LOG.warnf(
                    "What the coordinator of Citus leaves prepared on its nodes is ended by Citus alone, once in"
                            + " citus.recover_2pc_interval, and a term begins after that. %s makes it a moment",
                    REMEDY);
        }
        if (isOver) {
            return;
        }
        Set<String> waiting = left;
        if (waiting == null) {
            waiting = found.prepared();
        } else {
            waiting.retainAll(found.prepared());
        }
        left = waiting;
        boolean patient = System.nanoTime() - begin < PATIENCE.toNanos();
        isOver = waiting.isEmpty() || !patient;
        if (!waiting.isEmpty() && isOver) {
            LOG.warnf(
                    "%d transactions that the coordinator of Citus left prepared on its nodes have not ended within %d s; this"
                            + " worker leads all the same. Steps do not see what those have written before they end: SELECT"
                            + " recover_prepared_transactions() as a superuser. %s",
                    waiting.size(), PATIENCE.toSeconds(), LogText.of(String.join(", ", waiting)));
        }
    }

    private void refused(Throwable cause) {
        drop();
        if (cause instanceof PgException said) {
            String remedy = said.getHint() == null ? "" : " (" + said.getHint() + ")";
            String text = "schema df cannot be made ready for the nodes of Citus: " + said.getErrorMessage() + remedy;
            if (isOver) {
                LOG.warnf("%s", LogText.of(text));
            } else {
                problem = text;
            }
        } else {
            LOG.debug("The nodes of Citus were not looked at", cause);
        }
    }

    private Future<PgConnection> connected() {
        PgConnection open = session;
        if (open != null) {
            return Future.succeededFuture(open);
        }
        return ReactiveSessions.connect(
                        vertx,
                        server,
                        OwnerSettings.with(Map.of("statement_timeout", Long.toString(ANSWER.toMillis()))))
                .onSuccess(opened -> {
                    session = opened;
                    opened.closeHandler(ignored -> forget(opened));
                    if (closed) {
                        drop();
                    }
                });
    }

    private void forget(PgConnection gone) {
        if (session == gone) {
            session = null;
        }
    }

    private void drop() {
        PgConnection open = session;
        session = null;
        if (open != null) {
            open.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        drop();
    }
}
