package dev.perdure.store;

import dev.perdure.database.Failure;
import dev.perdure.database.OwnerSession;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The journal of one term in PostgreSQL, as the owner of schema df. One connection of its own: all that an exchange asks for is
 * sent at once, and answered in order.
 *
 * <p>A session is closed, and its exchange fails, when it is on another server than the leader's, has become a standby, or does not
 * answer in time. The next exchange opens another one. Thread-safe.
 */
public final class PgJournal implements Journal {

    private static final Set<String> LOST = Set.of("57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "25006");
    private static final String CLOCK = "SELECT clock_timestamp(), last_value FROM df._epoch_seq";
    private static final String WRITE = "SELECT df._write($1, $2, $3, $4, $5)";
    private static final String MARK = "SELECT df._mark($1, $2)";
    private static final String BEGIN = "SELECT * FROM df._begin($1, $2)";
    private static final String NEWS = "SELECT * FROM df._news($1, $2, $3, $4)";
    private static final String LEFT = "SELECT * FROM df._left($1, $2, $3, $4, $5)";
    private static final String SUSPECTS = "SELECT * FROM df._suspects($1, $2)";
    private static final String TRY = "SELECT df._try($1, $2)";
    private static final String SURVIVED = "SELECT df._survived($1, $2)";
    private static final String LEFT_CANCELS = "SELECT * FROM df._left_cancels($1)";
    private static final String DUE = "SELECT * FROM df._due($1, $2, $3)";
    private static final String LOAD = "SELECT * FROM df._load($1, $2, $3)";
    private static final String SIGNALS = "SELECT * FROM df._signals($1, $2, $3)";
    private static final String SET_IDLE = "SELECT df._set_idle($1, $2)";

    private final Vertx vertx;
    private final OwnerSession owner;
    private final Term term;
    private final long survived;
    private final Duration patience;
    private final LargeReader large;

    /**
     * A journal that connects when it is needed.
     *
     * @param server that leadership was won on
     * @param identity of that server: any other behind the same address is refused
     * @param survived an earlier term that ended without its process: what it took over is no suspect; 0 for none
     * @param patience so long an answer may take
     * @param large reads what is too large for an exchange; closed with this
     */
    public PgJournal(
            Vertx vertx,
            PgConnectOptions server,
            ServerIdentity identity,
            Term term,
            long survived,
            Duration patience,
            LargeReader large) {
        this.vertx = vertx;
        this.large = large;
        this.term = term;
        this.survived = survived;
        this.patience = patience;
        PgConnectOptions options = new PgConnectOptions(server)
                .setCachePreparedStatements(true)
                .setPipeliningLimit(64)
                .setConnectTimeout((int) Math.min(Integer.MAX_VALUE, patience.toMillis()))
                .addProperty("application_name", "perdure-owner");
        this.owner = new OwnerSession(
                vertx,
                options,
                OwnerSettings.with(Map.of("tcp_user_timeout", Long.toString(patience.toMillis()))),
                identity,
                patience,
                term.toString());
    }

    @Override
    public CompletionStage<Answer> exchange(Exchange exchange) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        owner.connected().onComplete(opened -> {
            if (opened.failed()) {
                answer.completeExceptionally(failure(opened.cause()));
                return;
            }
            Sent sent = new Sent(opened.result(), exchange);
            long timer = vertx.setTimer(patience.toMillis(), ignored -> {
                if (answer.completeExceptionally(lost("no answer within " + patience.toMillis() + " ms", null))) {
                    owner.abandon(opened.result());
                }
            });
            sent.all().onComplete(done -> {
                vertx.cancelTimer(timer);
                try {
                    if (done.failed()) {
                        answer.completeExceptionally(failed(opened.result(), done.cause()));
                    } else {
                        answer.complete(sent.answer());
                    }
                } catch (JournalException e) {
                    answer.completeExceptionally(e);
                } catch (RuntimeException e) {
                    // What it says cannot be understood: nothing else that it says is worth more.
                    owner.drop(opened.result());
                    answer.completeExceptionally(e);
                }
            });
        });
        return answer;
    }

    @Override
    public CompletionStage<Optional<LoadedInstance>> read(String instance, boolean takenOver) {
        return large.read(instance, takenOver);
    }

    @Override
    public CompletionStage<List<OpenItems.Answer>> readItems(List<OpenItems> items) {
        return large.readItems(items);
    }

    @Override
    public CompletionStage<?> survived(boolean all) {
        return owner.connected()
                .compose(session -> session.preparedQuery(SURVIVED).execute(Tuple.of(term.epoch(), all)))
                .toCompletionStage();
    }

    /** All that one exchange sends: each part is under way before the first is answered. */
    private final class Sent {

        private final PgConnection session;
        private final List<Future<RowSet<Row>>> parts = new ArrayList<>();
        private final Exchange exchange;
        private final @Nullable Future<RowSet<Row>> written;
        private final @Nullable Future<RowSet<Row>> begun;
        private final @Nullable Future<RowSet<Row>> news;
        private final @Nullable Future<RowSet<Row>> suspects;
        private final @Nullable Future<RowSet<Row>> left;
        private final @Nullable Future<RowSet<Row>> leftCancels;
        private final @Nullable Future<RowSet<Row>> due;
        private final @Nullable Future<RowSet<Row>> loaded;
        private final @Nullable Future<RowSet<Row>> signals;
        private final ItemQueries items;
        private final Future<RowSet<Row>> clock;

        Sent(PgConnection session, Exchange exchange) {
            this.session = session;
            this.exchange = exchange;
            written = exchange.writes().isEmpty() ? null : send(WRITE, writes(exchange.writes()));
            begun = exchange.begins().isEmpty()
                    ? null
                    : send(BEGIN, Tuple.of(term.epoch(), MarkDocument.print(exchange.begins())));
            if (!exchange.marks().isEmpty()) {
                send(MARK, Tuple.of(term.epoch(), MarkDocument.print(exchange.marks())));
            }
            if (exchange.idle() != null) {
                send(SET_IDLE, Tuple.of(term.epoch(), exchange.idle()));
            }
            Look look = exchange.look();
            news = look == null
                    ? null
                    : send(NEWS, Tuple.of(term.epoch(), look.snapshot(), look.maxInstances(), look.loadBytes()));
            Page page = look == null ? null : look.page();
            suspects = page == null || !isFirst(page) ? null : send(SUSPECTS, Tuple.of(term.epoch(), survived));
            left = page == null ? null : send(LEFT, leftOf(page));
            leftCancels = page == null || !isFirst(page) ? null : send(LEFT_CANCELS, Tuple.of(page.snapshot()));
            Due span = look == null ? null : look.due();
            due = span == null ? null : send(DUE, Tuple.of(utc(span.from()), utc(span.to()), span.limit()));
            Load load = exchange.load();
            if (load != null && !load.takenOver().isEmpty()) {
                send(
                        TRY,
                        Tuple.tuple()
                                .addLong(term.epoch())
                                .addArrayOfString(load.takenOver().toArray(String[]::new)));
            }
            loaded = load == null ? null : send(LOAD, loadOf(load));
            SignalLook wanted = exchange.signals();
            signals = wanted == null ? null : send(SIGNALS, signalsOf(wanted));
            items = new ItemQueries(term.epoch(), exchange.items(), this::send);
            // Last: a term that has begun meanwhile makes all that was read worthless.
            clock = send(CLOCK, Tuple.tuple());
        }

        private Future<RowSet<Row>> send(String sql, Tuple arguments) {
            Future<RowSet<Row>> part = session.preparedQuery(sql).execute(arguments);
            parts.add(part);
            return part;
        }

        Future<?> all() {
            // All of them: what was sent with one that fails has been done or not when the next exchange is sent.
            return Future.join(parts);
        }

        Answer answer() throws JournalException {
            Row now = clock.result().iterator().next();
            if (now.getLong(1) != term.epoch()) {
                throw new JournalException(
                        new Failure(Failure.Kind.FENCED, "DF002", "another term has begun"),
                        new IllegalStateException("term " + now.getLong(1)));
            }
            return new Answer(
                    now.getOffsetDateTime(0).toInstant(),
                    written == null ? List.of() : each(written, row -> JournalRows.written(row.getString(0))),
                    begun == null ? List.of() : each(begun, JournalRows::begun),
                    news == null ? null : readNews(news.result()),
                    loaded == null ? List.of() : LoadedRows.read(loaded.result()),
                    signals == null ? List.of() : each(signals, JournalRows::signal),
                    items.answer());
        }

        private News readNews(RowSet<Row> rows) {
            String snapshot = "";
            List<LoadedInstance> along = new ArrayList<>();
            List<InstanceRef> started = new ArrayList<>();
            boolean more = false;
            List<Cancelled> cancelled = new ArrayList<>();
            List<SignalSent> sent = new ArrayList<>();
            List<ItemsEnded> ended = new ArrayList<>();
            for (Row row : rows) {
                switch (row.getString("kind")) {
                    case "snapshot" -> snapshot = row.getString("detail");
                    case "loaded" -> along.add(LoadedRows.read(Columns.of(row)));
                    case "started" -> started.add(JournalRows.ref(row));
                    case "more" -> more = true;
                    case "cancelled" ->
                        cancelled.add(new Cancelled(
                                row.getString("instance_id"),
                                row.getLong("role_oid"),
                                row.getString("detail"),
                                JournalRows.bytes(row)));
                    case "signal" ->
                        sent.add(new SignalSent(
                                row.getString("instance_id"),
                                row.getLong("role_oid"),
                                row.getString("detail"),
                                JournalRows.bytes(row)));
                    case "items" -> ended.add(JournalRows.itemsEnded(row.getString("detail")));
                    default -> throw new IllegalStateException("unknown news: " + row.getString("kind"));
                }
            }
            return new News(snapshot, along, started, more, cancelled, sent, ended, leftPage(), duePage());
        }

        private @Nullable LeftPage leftPage() {
            Look look = exchange.look();
            Page page = look == null ? null : look.page();
            if (left == null || page == null) {
                return null;
            }
            List<InstanceRef> instances = each(left, JournalRows::ref);
            Page next = null;
            if (instances.size() >= page.limit()) {
                Row last = null;
                for (Row row : left.result()) {
                    last = row;
                }
                if (last != null) {
                    next = new Page(page.snapshot(), last.getLong("next_xid"), last.getString("next_id"), page.limit());
                }
            }
            if (leftCancels != null) {
                instances.addAll(each(leftCancels, JournalRows::ref));
            }
            return new LeftPage(instances, suspects == null ? List.of() : each(suspects, JournalRows::suspect), next);
        }

        private @Nullable DuePage duePage() {
            Look look = exchange.look();
            Due span = look == null ? null : look.due();
            if (due == null || span == null) {
                return null;
            }
            Instant until = span.to();
            if (due.result().size() >= span.limit()) {
                for (Row row : due.result()) {
                    until = row.getOffsetDateTime("wake_at").toInstant();
                }
            }
            return new DuePage(each(due, JournalRows::ref), until);
        }
    }

    private static boolean isFirst(Page page) {
        return page.afterXid() == 0 && page.afterId().isEmpty();
    }

    private Tuple writes(List<Write> writes) {
        return Tuple.of(
                term.epoch(),
                writes.stream().map(Write::instance).toArray(String[]::new),
                writes.stream().map(Write::version).toArray(Integer[]::new),
                writes.stream().map(Write::state).toArray(String[]::new),
                writes.stream().map(Write::also).toArray(String[]::new));
    }

    private Tuple leftOf(Page page) {
        return Tuple.of(term.epoch(), page.snapshot(), page.afterXid(), page.afterId(), page.limit());
    }

    private static Tuple loadOf(Load load) {
        return Tuple.of(load.instances().toArray(String[]::new), load.bytes(), load.large());
    }

    private static Tuple signalsOf(SignalLook look) {
        return Tuple.of(
                look.wanted().stream().map(SignalWanted::instance).toArray(String[]::new),
                look.wanted().stream().map(SignalWanted::name).toArray(String[]::new),
                look.bytes());
    }

    private static <T> List<T> each(Future<RowSet<Row>> rows, Function<Row, T> reader) {
        List<T> read = new ArrayList<>();
        for (Row row : rows.result()) {
            read.add(reader.apply(row));
        }
        return read;
    }

    private static OffsetDateTime utc(Instant time) {
        return time.atOffset(ZoneOffset.UTC);
    }

    private JournalException failed(PgConnection used, Throwable cause) {
        JournalException failure = failure(cause);
        if (failure.failure().kind() == Failure.Kind.CONNECTION_LOST) {
            owner.drop(used);
        }
        return failure;
    }

    private static JournalException failure(Throwable cause) {
        Throwable root = JournalException.cause(cause);
        if (root instanceof JournalException known) {
            return known;
        }
        String message = String.valueOf(root.getMessage());
        if (!(root instanceof PgException error)) {
            return lost(message, root);
        }
        String state = error.getSqlState();
        Failure.Kind kind = Failure.Kind.TRANSIENT;
        if ("DF002".equals(state)) {
            kind = Failure.Kind.FENCED;
        } else if (state == null || state.startsWith("08") || LOST.contains(state)) {
            kind = Failure.Kind.CONNECTION_LOST;
        }
        return new JournalException(new Failure(kind, state, String.valueOf(error.getErrorMessage())), error);
    }

    private static JournalException lost(String message, @Nullable Throwable cause) {
        return new JournalException(
                new Failure(Failure.Kind.CONNECTION_LOST, null, message),
                cause == null ? new IllegalStateException(message) : cause);
    }

    @Override
    public void close() {
        large.close();
        owner.close();
    }
}
