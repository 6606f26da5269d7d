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
 * The other nodes of Citus, in one term: makes schema {@code df} ready for them, and has the term wait until Citus has ended the
 * transactions that its coordinator left prepared there. In a session of its own, where a node that does not answer is not taken for the
 * server. Used by the election's thread alone.
 */
final class OtherNodes implements AutoCloseable {

    /** The interval at which the nodes are asked while a term lasts. */
    private static final Duration CALM = Duration.ofSeconds(5);
    /** How often the coordinator is, whether there are any, and the nodes while a term waits for them. */
    private static final Duration OFTEN = Duration.ofMillis(500);
    /** After which a look counts as unanswered: Citus gives up a node that does not answer before that. */
    private static final Duration ANSWER = Duration.ofSeconds(60);
    /** What is prepared on nodes that answer is ended within that time, or a term begins all the same. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Logger LOG = Logger.getLogger(OtherNodes.class);
    private static final String PREPARE = "SELECT df._citus_problem() AS problem, df._prepare_two_phases() AS nodes";
    private static final String LOOK = "SELECT n.problem, n.unreached, n.prepared FROM df._look_at_nodes() AS n";

    /**
     * The findings of a look.
     *
     * @param all false when nodes were not asked
     */
    private record Found(@Nullable String problem, String unreached, Set<String> prepared, boolean all) {

        static Found here(@Nullable String problem, boolean all) {
            return new Found(problem, "", Set.of(), all);
        }
    }

    private final Vertx vertx;
    private final PgConnectOptions server;
    private final long begin = System.nanoTime();
    private volatile @Nullable PgConnection session;
    private volatile boolean closed;
    private @Nullable Future<Found> look;
    private long lookedAt = begin - OFTEN.toNanos();
    private long askedAt = begin - CALM.toNanos();
    /** Prepared on nodes when the term began, and there still; null before the first answer. */
    private @Nullable Set<String> left;

    private boolean isOver;
    private String problem = "";
    private String unreached = "";
    private String failure = "";

    OtherNodes(Vertx vertx, PgConnectOptions server) {
        this.vertx = vertx;
        this.server = new PgConnectOptions(server).addProperty("application_name", "perdure-nodes");
    }

    /** Looks again when it is time, and takes up the findings. Does not wait. */
    void turn() {
        Future<Found> current = look;
        long now = System.nanoTime();
        if (current == null) {
            if (now - lookedAt >= OFTEN.toNanos()) {
                boolean asksNodes = !isReady() || now - askedAt >= CALM.toNanos();
                lookedAt = now;
                askedAt = asksNodes ? now : askedAt;
                look = ask(asksNodes);
            }
        } else if (current.isComplete()) {
            look = null;
            lookedAt = now;
            if (current.succeeded()) {
                take(current.result());
            } else {
                failed(current.cause());
            }
        } else if (now - lookedAt > ANSWER.toNanos()) {
            look = null;
            lookedAt = now;
            failed(new IllegalStateException("no answer within " + ANSWER.toSeconds() + " s"));
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

    /** The condition that a term waits for, in words. */
    String waitsFor() {
        Set<String> waiting = left;
        return waiting == null
                ? "the nodes of Citus are being looked at" + (failure.isEmpty() ? "" : ": " + failure)
                : waiting.size()
                        + " transactions that the coordinator of Citus left prepared on its nodes are to be ended first";
    }

    private Future<Found> ask(boolean nodes) {
        return connected().compose(open -> open.query(PREPARE)
                .execute()
                .map(rows -> rows.iterator().next())
                .compose(
                        here -> nodes && here.getBoolean(1) && here.getString(0) == null
                                ? open.query(LOOK)
                                        .execute()
                                        .map(rows -> found(rows.iterator().next()))
                                : Future.succeededFuture(Found.here(here.getString(0), nodes)),
                        cause -> cause instanceof PgException said
                                ? Future.succeededFuture(Found.here(notReady(said), true))
                                : Future.failedFuture(cause)));
    }

    private static String notReady(PgException said) {
        return "schema df cannot be made ready for the nodes of Citus: " + said.getErrorMessage()
                + (said.getHint() == null ? "" : " (" + said.getHint() + ")");
    }

    private static Found found(Row row) {
        String unreached = row.getString(1);
        return new Found(
                row.getString(0),
                unreached == null ? "" : unreached,
                new HashSet<>(Arrays.asList(row.getArrayOfStrings(2))),
                true);
    }

    private void take(Found found) {
        failure = "";
        problem = found.problem() == null ? "" : LogText.of(found.problem());
        if (!found.all()) {
            return;
        }
        if (!found.unreached().equals(unreached)) {
            unreached = found.unreached();
            if (unreached.isEmpty()) {
                LOG.info("All nodes of Citus answer");
            } else {
                LOG.warnf("Nodes of Citus do not answer the owner of schema df: %s", LogText.of(unreached));
            }
        }
        if (!isOver && problem.isEmpty()) {
            waitFor(found.prepared());
        }
    }

    private void waitFor(Set<String> prepared) {
        Set<String> waiting = left;
        if (waiting == null) {
            waiting = new HashSet<>(prepared);
        } else {
            waiting.retainAll(prepared);
        }
        left = waiting;
        isOver = waiting.isEmpty() || System.nanoTime() - begin > PATIENCE.toNanos();
        if (isOver && !waiting.isEmpty()) {
            LOG.warnf(
                    "%d transactions that the coordinator of Citus left prepared on its nodes have not ended within %d s; this"
                            + " worker leads all the same. Steps do not see what those have written before they end (SELECT"
                            + " recover_prepared_transactions() as a superuser): %s",
                    waiting.size(), PATIENCE.toSeconds(), LogText.of(String.join(", ", waiting)));
        }
    }

    private void failed(Throwable cause) {
        drop();
        String text = LogText.of(String.valueOf(cause.getMessage()));
        if (!failure.equals(text)) {
            failure = text;
            LOG.warnf("The nodes of Citus could not be looked at: %s", text);
        }
    }

    private Future<PgConnection> connected() {
        PgConnection open = session;
        if (open != null) {
            return Future.succeededFuture(open);
        }
        Map<String, String> settings = OwnerSettings.with(Map.of(
                "statement_timeout",
                Long.toString(ANSWER.toMillis()),
                // Citus warns of each node that is away.
                "client_min_messages",
                "error"));
        return ReactiveSessions.connect(vertx, server, settings).onSuccess(opened -> {
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
