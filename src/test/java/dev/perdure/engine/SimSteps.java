package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.ItemKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Sessions over {@link SimDatabase}. A statement is an effect by its text; one that begins with FAIL fails, one with KILL ends its worker. */
final class SimSteps implements StepPort {

    static final String ONE_ROW = "{\"rows\":[{\"v\":1}],\"row_count\":1}";
    private static final String ZERO = "{\"rows\":[{\"v\":0}],\"row_count\":1}";
    private static final long LOCK_TIMEOUT = 2_000_000_000;

    private final SimDatabase database;
    private final SimScheduler scheduler;
    private final SimCodec codec;
    private final SimFaults faults;
    private final long epoch;
    private int open;

    SimSteps(SimDatabase database, SimScheduler scheduler, SimCodec codec, SimFaults faults, long epoch) {
        this.database = database;
        this.scheduler = scheduler;
        this.codec = codec;
        this.faults = faults;
        this.epoch = epoch;
    }

    /** Sessions that were borrowed and not given back. */
    int open() {
        return open;
    }

    @Override
    public Session borrow(SessionPools.Key key) throws StepFailedException {
        scheduler.block(faults.latency());
        if (faults.cannotLogIn()) {
            throw new StepFailedException(new Failure(Failure.Kind.LOGIN, "28P01", "no login"));
        }
        open++;
        return new SimSession();
    }

    @Override
    public void close() {}

    private final class SimSession implements Session {

        private final List<String> effects = new ArrayList<>();
        private boolean isOpen;
        private boolean executes;
        private boolean isCancelled;
        private boolean cancelsItself;
        private boolean isGone;

        @Override
        public boolean isReadCommitted() {
            return true;
        }

        @Override
        public Executed begin(List<Statement> statements, Limits limits) {
            effects.clear();
            cancelsItself = false;
            isOpen = true;
            return execute(statements.stream().map(Statement::sql).toList(), limits);
        }

        @Override
        public Executed next(Statement statement, Limits limits) {
            return execute(List.of(statement.sql()), limits);
        }

        private Executed execute(List<String> statements, Limits limits) {
            List<Result> results = new ArrayList<>();
            for (String statement : statements) {
                Failure failure = execute(statement, limits.joined() == null);
                if (failure == null
                        && statement.startsWith("LARGE")
                        && !limits.memory().take(40 * 1024)) {
                    failure = new Failure(Failure.Kind.NO_MEMORY, null, "the result needs more memory");
                    effects.remove(effects.size() - 1);
                }
                if (failure != null) {
                    SimFaults.met("statement: " + failure.kind());
                    return new Executed(results, failure);
                }
                results.add(new Result(rows(statement), "[[\"v\",\"int4\"]]"));
            }
            return new Executed(results, null);
        }

        private String rows(String statement) {
            if (statement.startsWith("ITEMS ")) {
                int count = Integer.parseInt(statement.substring(6));
                return "{\"rows\":["
                        + IntStream.rangeClosed(1, count)
                                .mapToObj(v -> "{\"v\":" + v + "}")
                                .collect(Collectors.joining(","))
                        + "],\"row_count\":" + count + "}";
            }
            return statement.startsWith("SELECT maybe") && scheduler.random().nextBoolean() ? ZERO : ONE_ROW;
        }

        /** A cancel request that meets no statement has no effect, as in PostgreSQL. */
        private @Nullable Failure execute(String statement, boolean isFirst) {
            scheduler.block(faults.latency());
            executes = true;
            try {
                return executed(statement, isFirst);
            } finally {
                executes = false;
            }
        }

        private @Nullable Failure executed(String statement, boolean isFirst) {
            scheduler.block(isFirst ? faults.execution() : faults.latency());
            faults.mayBreak("statement");
            database.isLeaderKilled |= statement.startsWith("KILL") && database.epoch == epoch;
            if (statement.startsWith("SLOW") || statement.startsWith("KILL")) {
                for (long left = 3_600; left > 0 && !isCancelled; left--) {
                    scheduler.block(1_000_000_000);
                }
            }
            if (statement.startsWith("LONG")) {
                int tenths = scheduler.random().nextInt(12);
                for (int left = tenths; left > 0 && !isCancelled; left--) {
                    scheduler.block(100_000_000);
                }
            }
            if (isCancelled) {
                return new Failure(Failure.Kind.CANCELED, "57014", "canceling statement due to user request");
            }
            if (faults.losesConnection()) {
                isOpen = false;
                return new Failure(Failure.Kind.CONNECTION_LOST, "08006", "the connection is gone");
            }
            if (faults.isTransient()) {
                return new Failure(Failure.Kind.TRANSIENT, "40001", "could not serialize access");
            }
            if (statement.startsWith("FAIL")) {
                return new Failure(Failure.Kind.STEP, "22012", "division by zero");
            }
            cancelsItself |= statement.startsWith("CANCEL");
            effects.add(statement);
            return null;
        }

        @Override
        public boolean undoLast() {
            scheduler.block(faults.latency());
            return isOpen && !isCancelled;
        }

        @Override
        public Executed autocommit(Statement statement, Limits limits) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean commit(Checkpointed checkpoint) throws StepFailedException {
            CheckpointRequest draft = codec.draft(checkpoint.state());
            SimDatabase.Row row = database.row(checkpoint.instance());
            scheduler.block(faults.latency());
            awaitFree(row, draft.version());
            // First the version, then the epoch (ADR of the fence): both orders of the two are seen by somebody.
            row.taking.put(draft.version(), this);
            scheduler.block(faults.latency() / 4);
            if (database.epoch != epoch) {
                abort(row, draft.version());
                throw failed(Failure.Kind.FENCED, "another term has begun");
            }
            boolean isOver = instance(row).status.equals("cancelled") || cancelsItself;
            if (isOver && draft.checkpoints().size() > 1) {
                abort(row, draft.version());
                throw failed(Failure.Kind.STEP, "steps of a cancelled instance cannot share a transaction");
            }
            for (long waited = 0;
                    row.isLocked && SimDatabase.ends(draft) || database.isItemTaken(row, draft);
                    waited += 5_000_000) {
                if (waited > LOCK_TIMEOUT) {
                    abort(row, draft.version());
                    throw failed(Failure.Kind.LOCK_TIMEOUT, "canceling statement due to lock timeout");
                }
                scheduler.block(5_000_000);
            }
            Runnable unlock = database.maps.lock(row.id, SimDatabase.endedMaps(draft), this);
            if (faults.losesConnection()) {
                boolean commits = scheduler.random().nextBoolean();
                // The server notices late; until then the transaction holds what it has taken.
                scheduler.after(faults.commit(), () -> {
                    SimFaults.met(commits ? "lost, but committed" : "lost, and not committed");
                    unlock.run();
                    if (commits) {
                        commit(row, draft);
                    } else {
                        abort(row, draft.version());
                    }
                });
                isOpen = false;
                throw failed(Failure.Kind.CONNECTION_LOST, "the connection is gone");
            }
            // A deferred trigger that defers itself again keeps a transaction in COMMIT, without a limit.
            scheduler.block(
                    effects.stream().anyMatch(sql -> sql.startsWith("STUCK")) ? 3_600_000_000_000L : faults.commit());
            unlock.run();
            commit(row, draft);
            isOpen = false;
            return isOver;
        }

        @Override
        public void commit(CheckpointedItems items) throws StepFailedException {
            List<CheckpointRequest> drafts =
                    Arrays.stream(items.done().split(" ")).map(codec::draft).toList();
            scheduler.block(faults.latency());
            if (instance(database.row(drafts.get(0).instance())).status.equals("cancelled")) {
                throw failed(Failure.Kind.STALE, "the instance is cancelled");
            }
            for (CheckpointRequest draft : drafts) {
                try {
                    awaitFree(database.row(draft.instance()), draft.version());
                } catch (StepFailedException e) {
                    drafts.forEach(this::abort);
                    throw e;
                }
                database.row(draft.instance()).taking.put(draft.version(), this);
            }
            scheduler.block(faults.latency() / 4);
            if (database.epoch != epoch) {
                drafts.forEach(this::abort);
                throw failed(Failure.Kind.FENCED, "another term has begun");
            }
            isOpen = false;
            if (faults.losesConnection()) {
                boolean commits = scheduler.random().nextBoolean();
                scheduler.after(faults.commit(), () -> {
                    SimFaults.met(commits ? "items: lost, but committed" : "items: lost, and not committed");
                    if (commits) {
                        commit(drafts);
                    } else {
                        drafts.forEach(this::abort);
                    }
                });
                throw failed(Failure.Kind.CONNECTION_LOST, "the connection is gone");
            }
            scheduler.block(faults.commit());
            SimFaults.met("items: committed together");
            commit(drafts);
        }

        private void commit(List<CheckpointRequest> drafts) {
            if (drafts.size() != effects.size()) {
                throw new AssertionError(drafts.size() + " items, " + effects.size() + " statements: " + effects);
            }
            for (int i = 0; i < drafts.size(); i++) {
                SimDatabase.Row item = database.row(drafts.get(i).instance());
                item.taking.remove(drafts.get(i).version());
                database.commit(item, drafts.get(i), List.of(effects.get(i)));
            }
        }

        private void abort(CheckpointRequest draft) {
            database.row(draft.instance()).taking.remove(draft.version(), this);
        }

        private SimDatabase.Row instance(SimDatabase.Row row) {
            return database.row(ItemKey.instanceOf(row.id));
        }

        private void awaitFree(SimDatabase.Row row, int version) throws StepFailedException {
            for (long waited = 0; row.taking.containsKey(version); waited += 5_000_000) {
                if (waited > LOCK_TIMEOUT) {
                    throw failed(Failure.Kind.LOCK_TIMEOUT, "canceling statement due to lock timeout");
                }
                scheduler.block(5_000_000);
            }
            if (row.hasEnded || row.isTaken(version)) {
                throw failed(Failure.Kind.STALE, "stale checkpoint");
            }
        }

        private void commit(SimDatabase.Row row, CheckpointRequest draft) {
            row.taking.remove(draft.version());
            if (cancelsItself) {
                database.cancel(instance(row), "myself");
            }
            database.commit(row, draft, effects);
        }

        private void abort(SimDatabase.Row row, int version) {
            row.taking.remove(version);
        }

        private StepFailedException failed(Failure.Kind kind, String message) {
            SimFaults.met("commit: " + kind);
            return new StepFailedException(new Failure(kind, null, message));
        }

        @Override
        public void rollback() {
            isOpen = false;
        }

        @Override
        public void cancel() {
            SimFaults.met(executes ? "cancel" : "cancel: met no statement");
            isCancelled |= executes;
        }

        @Override
        public void giveBack() {
            if (isGone) {
                throw new AssertionError("a session was given back twice");
            }
            isGone = true;
            open--;
        }
    }
}
