package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Parameter;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.ReceiptTable;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import dev.perdure.session.wire.Command;
import dev.perdure.session.wire.Command.Argument;
import dev.perdure.session.wire.Grant;
import dev.perdure.session.wire.Reply;
import dev.perdure.store.ItemKey;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.Oid;

/** A session of a submitter on PostgreSQL, in which steps run one after another. */
final class PgStep implements StepPort.Session {

    private static final String CHECKPOINT = "SELECT df.checkpoint($1, $2, $3, $4, $5, $6)";
    private static final String ITEMS = "SELECT df.checkpoint_items($1, $2, $3, $4)";
    private static final String ITEM = "SELECT df.checkpoint_item($1, $2, $3, $4, $5, $6)";

    private static final Set<String> TABLE_GONE = Set.of("42P01", "3F000");

    private final SessionPools pools;
    private final SessionPools.Key key;
    private final StepSession session;
    private final RowsReader reader;
    private final long maxResultSize;
    private @Nullable ReceiptTable receipts;
    private boolean undone;

    PgStep(SessionPools pools, SessionPools.Key key, StepSession session, long maxResultSize) {
        this.pools = pools;
        this.key = key;
        this.session = session;
        this.maxResultSize = maxResultSize;
        this.reader = new RowsReader(maxResultSize);
    }

    @Override
    public boolean isReadCommitted() {
        return session.isReadCommitted();
    }

    @Override
    public StepPort.Executed begin(List<Statement> statements, StepPort.Limits limits) {
        Grant grant = grant(limits);
        if (statements.get(0).isReadOnly()) {
            return executed(session.look(command(statements.get(0)), grant, maxResultSize), grant);
        }
        return executed(
                session.begin(
                        statements.stream().map(PgStep::command).toList(),
                        millis(limits.joined()),
                        grant,
                        maxResultSize),
                grant);
    }

    @Override
    public StepPort.Executed beginItems(List<Statement> statements, StepPort.Limits limits) {
        Grant grant = grant(limits);
        return executed(
                session.beginItems(
                        statements.stream().map(PgStep::command).toList(),
                        millis(limits.joined()),
                        grant,
                        maxResultSize),
                grant);
    }

    @Override
    public StepPort.Executed next(Statement statement, StepPort.Limits limits) {
        Grant grant = grant(limits);
        return executed(session.next(command(statement), millis(limits.joined()), grant, maxResultSize), grant);
    }

    @Override
    public StepPort.Executed autocommit(Statement statement, StepPort.Limits limits) {
        Grant grant = grant(limits);
        return executed(session.autocommit(command(statement), grant, maxResultSize), grant);
    }

    @Override
    public StepPort.Executed freeze(Statement statement, StepPort.ItemsTarget target, StepPort.Limits limits) {
        boolean isHome = key.database() == null;
        return isHome && ItemsReader.canRead(statement.sql())
                ? new ItemsReader(session, reader, maxResultSize).read(statement, target, grant(limits))
                : begin(List.of(statement), limits);
    }

    /** Makes documents of rows; a result that cannot be converted has failed, and everything behind it with it. */
    private StepPort.Executed executed(StepSession.Ran ran, Grant grant) {
        undone = false;
        if (ran.failure() != null && ran.replies().stream().anyMatch(PgStep::needsCatalog)) {
            // Nothing can be asked in a transaction that has failed.
            undone = session.undoLast();
        }
        List<Result> results = new ArrayList<>(ran.replies().size());
        for (Reply reply : ran.replies()) {
            Failure failure = null;
            try {
                results.add(reader.read(reply, session.connection(), grant));
            } catch (StepFailedException e) {
                failure = e.failure();
            } catch (SQLException e) {
                failure = Failure.ofStep(e);
            }
            if (failure != null) {
                undone = false;
                session.failed(results.size());
                return new StepPort.Executed(results, failure);
            }
        }
        return new StepPort.Executed(results, ran.failure());
    }

    private static boolean needsCatalog(Reply reply) {
        return reply.columns() != null
                && reply.columns().stream().anyMatch(column -> ColumnTypes.isUnknown(column.type()));
    }

    @Override
    public boolean undoLast() {
        return undone || session.undoLast();
    }

    @Override
    public boolean commit(StepPort.Checkpointed checkpoint) throws StepFailedException {
        List<Argument> arguments = List.of(
                new Argument(Oid.BYTEA, null, checkpoint.token()),
                text(Oid.INT8, Long.toString(checkpoint.epoch())),
                text(Oid.TEXT, checkpoint.instance()),
                text(Oid.INT4, Integer.toString(checkpoint.version())),
                text(Oid.TEXT, checkpoint.state()),
                text(Oid.TEXT, checkpoint.also()));
        boolean isItem = ItemKey.isItem(checkpoint.instance());
        return session.commit(new Command(isItem ? ITEM : CHECKPOINT, arguments), checkpoint.receipt());
    }

    @Override
    public void commit(StepPort.CheckpointedItems items) throws StepFailedException {
        List<Argument> arguments = List.of(
                new Argument(Oid.BYTEA, null, items.token()),
                text(Oid.INT8, Long.toString(items.epoch())),
                text(Oid.TEXT, items.map()),
                text(Oid.TEXT, items.done()));
        session.commit(new Command(ITEMS, arguments), items.receipt());
    }

    @Override
    public StepPort.Proof proof(StepPort.Execution execution, StepPort.Limits limits) throws StepFailedException {
        ReceiptTable table = pools.receipts().table(key, session.role(), session);
        receipts = table;
        try {
            Result earlier = table.find(session, PgSteps.receipt(pools, execution), grant(limits));
            return new StepPort.Proof(earlier, table.atLeastOnce());
        } catch (StepFailedException e) {
            throw gone(e);
        }
    }

    @Override
    public boolean commitElsewhere(StepPort.Execution execution, Result result) throws StepFailedException {
        ReceiptTable table = receipts;
        if (table == null) {
            throw new IllegalStateException("nobody has asked for a proof of " + execution);
        }
        try {
            return table.commit(session, PgSteps.receipt(pools, execution), result);
        } catch (StepFailedException e) {
            throw gone(e);
        }
    }

    /** Somebody dropped the table of receipts, or its schema: the next attempt makes another. */
    private StepFailedException gone(StepFailedException e) {
        if (!TABLE_GONE.contains(String.valueOf(e.failure().sqlState()))) {
            return e;
        }
        pools.receipts().forget(key);
        return new StepFailedException(e.failure().as(Failure.Kind.TRANSIENT), e);
    }

    @Override
    public void rollback() {
        session.rollback();
    }

    @Override
    public void cancel() {
        session.cancel();
    }

    @Override
    public void giveBack() {
        pools.giveBack(key, session);
    }

    /** The server gives each parameter the type that the statement has for it, as for a literal. */
    private static Command command(Statement statement) {
        List<Argument> arguments = new ArrayList<>(statement.parameters().size());
        for (Parameter parameter : statement.parameters()) {
            arguments.add(text(Oid.UNSPECIFIED, parameter.text()));
        }
        return new Command(statement.sql(), arguments);
    }

    private static Argument text(int oid, @Nullable String text) {
        return new Argument(oid, text, null);
    }

    private static long millis(@Nullable Duration limit) {
        return limit == null ? 0 : Math.max(1, limit.toMillis());
    }

    private static Grant grant(StepPort.Limits limits) {
        StepPort.ResultBudget budget = limits.memory();
        return new Grant() {
            @Override
            public boolean take(long bytes) {
                return budget.take(bytes);
            }

            @Override
            public void giveBack(long bytes) {
                budget.giveBack(bytes);
            }
        };
    }
}
