package dev.perdure.store;

import dev.perdure.database.Failure;
import dev.perdure.flow.FailedStep;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes of the leader as the owner of schema df. One of the engine's two ports: PostgreSQL is behind it in
 * production, a simulation in tests.
 *
 * <p>Everything is fenced by the term: once another term has begun, an exchange fails with {@link Failure.Kind#FENCED}.
 */
public interface Journal extends AutoCloseable {

    /**
     * Sends everything that is asked for in one round trip, each kind in a transaction of its own.
     *
     * @return fails with a {@link JournalException}; whether writes were committed is unknown then, and asking again is safe:
     *     a version that was taken is {@link Written.Stale}
     */
    CompletionStage<Answer> exchange(Exchange exchange);

    /**
     * Reads one instance, however large, beside the exchanges; one after the other.
     *
     * @param takenOver whether an earlier term has left it: that this one begins with it is on record before it is read
     * @return empty when it has ended or is set aside; fails with a {@link JournalException}. What follows is done on a thread that
     *     may be kept busy.
     */
    CompletionStage<Optional<LoadedInstance>> read(String instance, boolean takenOver);

    /**
     * Reads items of maps, however large, beside the exchanges.
     *
     * @return one answer for each, in order; fails with a {@link JournalException}
     */
    CompletionStage<List<OpenItems.Answer>> readItems(List<OpenItems> items);

    /**
     * Notes that this term has worked for long enough on the instances that it took over ({@link Suspect}).
     *
     * @param all whether that goes for everything, however short: the term ends in order
     */
    CompletionStage<?> survived(boolean all);

    /** Takes no more exchanges. What is being sent is answered, or fails. */
    @Override
    void close();

    /**
     * The writes and reads of one exchange. Empty parts cost nothing.
     *
     * @param writes decisions of the owner, each with an outcome of its own
     * @param marks nodes that have been executing for a while, shown as running; lost marks do no harm
     * @param begins nodes whose attempt is recorded durably before it begins (HTTP requests, statements outside a transaction)
     * @param look for what has come; null: not now
     * @param load instances to be read, in this order
     * @param signals waits that look for a signal
     * @param items of maps
     * @param idle whether callers have to send NOTIFY from now on; null: as before
     */
    record Exchange(
            List<Write> writes,
            List<Mark> marks,
            List<Mark> begins,
            @Nullable Look look,
            @Nullable Load load,
            @Nullable SignalLook signals,
            Items items,
            @Nullable Boolean idle) {

        /** One that is not about items. */
        public Exchange(
                List<Write> writes,
                List<Mark> marks,
                List<Mark> begins,
                @Nullable Look look,
                @Nullable Load load,
                @Nullable SignalLook signals,
                @Nullable Boolean idle) {
            this(writes, marks, begins, look, load, signals, Items.NONE, idle);
        }

        public boolean isEmpty() {
            return writes.isEmpty()
                    && marks.isEmpty()
                    && begins.isEmpty()
                    && look == null
                    && load == null
                    && signals == null
                    && items.isEmpty()
                    && idle == null;
        }
    }

    /**
     * A decision of the owner.
     *
     * @param version that the decision takes: the one after the version that it was made on
     * @param state JSON of nodes, results and columns; {@code {}} claims the version and says nothing else
     * @param also JSON of what else is written; null for nothing
     */
    record Write(String instance, int version, String state, @Nullable String also) {}

    /**
     * A node that is shown as running, and with it its instance.
     *
     * @param node null for the instance alone
     * @param stamp null for the instance alone
     * @param attempt null to leave it as it is
     * @param startedAt null to leave it
     * @param waits why it is not being executed; null when it is
     */
    record Mark(
            String instance,
            String node,
            String stamp,
            @Nullable Integer attempt,
            @Nullable Instant startedAt,
            @Nullable Wait waits) {

        public Mark(
                String instance, String node, String stamp, @Nullable Integer attempt, @Nullable Instant startedAt) {
            this(instance, node, stamp, attempt, startedAt, null);
        }
    }

    /**
     * The condition that a node waits for before it is executed.
     *
     * @param since when that began
     * @param nextTry null when something else than time ends it
     */
    record Wait(String reason, Instant since, @Nullable Instant nextTry) {}

    /**
     * A look for commits since the last one.
     *
     * @param snapshot what the last look returned; null for the first one of a term, which returns only a snapshot
     * @param maxInstances new instances to be named, at most
     * @param loadBytes bytes of definitions of new instances that may be read along, roles taking turns; 0 for ids only
     * @param page continues reading what earlier terms left; null when all is known
     * @param due reads what is due in a span of time; null: not now
     */
    record Look(@Nullable String snapshot, int maxInstances, long loadBytes, @Nullable Page page, @Nullable Due due) {}

    /** A page of unfinished instances, of those that were there at the first snapshot of the term: behind the given place. */
    record Page(String snapshot, long afterXid, String afterId, int limit) {}

    /** Instances that wait for a moment after {@code from} and not after {@code to}, the earliest first. */
    record Due(Instant from, Instant to, int limit) {}

    /**
     * Instances to be read.
     *
     * @param bytes of definitions and states, at most
     * @param large of an instance of more bytes only the size comes, see {@link LoadedInstance#isLarge}
     * @param takenOver those of them that an earlier term has left, and that this one begins with: on record before they are read
     */
    record Load(List<String> instances, long bytes, long large, List<String> takenOver) {

        /** Those of this term, each as large as all together may be. */
        public Load(List<String> instances, long bytes) {
            this(instances, bytes, bytes, List.of());
        }
    }

    /** Pairs of instance and signal name, and how many bytes of data may be read in all (at least one is read). */
    record SignalLook(List<SignalWanted> wanted, long bytes) {}

    record SignalWanted(String instance, String name) {}

    /**
     * The answer to an exchange; the parts that were not asked for are empty.
     *
     * @param now the server's clock
     * @param written one outcome for each write, in order
     * @param begun the begins that were recorded, see {@link Begun}
     * @param loaded what was read, of {@link Exchange#load} and of new instances
     * @param items what came of {@link Exchange#items}
     */
    record Answer(
            Instant now,
            List<Written> written,
            List<Begun> begun,
            @Nullable News news,
            List<LoadedInstance> loaded,
            List<Signal> signals,
            ItemsAnswer items) {}

    /** The requests for items of maps. */
    record Items(List<FindMap> find, List<FreezeItems> freeze, List<OpenItems> open, List<AssignItems> assign) {

        public static final Items NONE = new Items(List.of(), List.of(), List.of(), List.of());

        public boolean isEmpty() {
            return find.isEmpty() && freeze.isEmpty() && open.isEmpty() && assign.isEmpty();
        }
    }

    /** Looks for an execution of a map whose items are written down. */
    record FindMap(String subject, String node, String stamp) {}

    /**
     * Writes items of a map down.
     *
     * @param first ordinal of the first of them
     * @param columns see {@code df._maps.columns}
     * @param rows JSON of an object with {@code rows}
     * @param total of all items, when these are the last ones
     */
    record FreezeItems(
            String subject,
            String node,
            String stamp,
            long first,
            @Nullable String columns,
            String rows,
            @Nullable Long total) {}

    /**
     * The answer to {@link Items}, in order.
     *
     * @param found empty for a map whose items are not written down
     * @param assigned stale: the map has ended; rejected: one of the items cannot be assigned
     */
    record ItemsAnswer(
            List<Optional<FoundMap>> found,
            List<Written> frozen,
            List<OpenItems.Answer> opened,
            List<AssignItems.Answer> assigned) {

        public static final ItemsAnswer NONE = new ItemsAnswer(List.of(), List.of(), List.of(), List.of());
    }

    /**
     * An execution of a map.
     *
     * @param generation which execution of its node it is
     * @param opened no item behind this one was ever begun
     * @param settledFailed of those up to {@code settled}
     * @param completed exact, as {@code failed}
     * @param maxConcurrent when it was changed
     * @param failure the last one, unless none has happened for a while
     */
    record FoundMap(
            long id,
            int generation,
            @Nullable String columns,
            long total,
            long opened,
            long settled,
            long settledFailed,
            long completed,
            long failed,
            @Nullable Integer maxConcurrent,
            Optional<ItemFailure> failure) {}

    /**
     * The failure of an item.
     *
     * @param ordinal of one of its rows
     * @param code as of a step
     * @param step at which it has; null when it was none
     */
    record ItemFailure(long ordinal, String error, @Nullable String code, @Nullable FailedStep step) {}

    /**
     * An item as it is in the tables.
     *
     * @param item JSON text
     * @param flow what its checkpoints say
     */
    record ItemRow(long ordinal, String item, String status, int version, RecordedFlow flow) {}

    /** The outcome of one write. */
    sealed interface Written {

        /** Committed. */
        record Ok() implements Written {}

        /** Another writer took the version: memory differs from the tables. */
        record Stale() implements Written {}

        /** A row that it needs is locked at this moment, or the tables are in trouble that somebody has to mend: it is tried again. */
        record Locked() implements Written {}

        /** PostgreSQL refuses the contents of the decision (a value that it cannot hold): asking again would end alike. */
        record Rejected(Failure failure) implements Written {}
    }

    /**
     * The news since the last look.
     *
     * @param snapshot for the next look
     * @param along new instances that were read along; one that was asked for at the same time is among those, too
     * @param started new instances that were not read along
     * @param more whether there is more of any kind than one look returns: the next one has it
     * @param cancelled instances that a user has cancelled
     * @param signals that were sent
     * @param items of maps that programs have ended
     * @param left a page of what earlier terms left; null when none was asked for
     * @param due what is due; null when it was not asked for
     */
    record News(
            String snapshot,
            List<LoadedInstance> along,
            List<InstanceRef> started,
            boolean more,
            List<Cancelled> cancelled,
            List<SignalSent> signals,
            List<ItemsEnded> items,
            @Nullable LeftPage left,
            @Nullable DuePage due) {}

    /**
     * Unfinished instances of earlier terms that do not sleep.
     *
     * @param suspects those among all of them that an earlier leader may have ended with; named with the first page
     * @param next where the next page begins; null after the last one
     */
    record LeftPage(List<InstanceRef> instances, List<Suspect> suspects, @Nullable Page next) {}

    /**
     * An instance that was being worked on when a leader ended within seconds after it had taken it over.
     *
     * @param tries how many terms have taken it over without anything of it being committed
     * @param isSetAside whether that were too many: from now on it is not read
     */
    record Suspect(String instance, int tries, boolean isSetAside) {}

    /**
     * The instances that are due.
     *
     * @param until up to which moment all is here: the end of the span, or before it when there was too much
     */
    record DuePage(List<InstanceRef> instances, Instant until) {}

    /**
     * An instance by name.
     *
     * @param role oid of the submitter
     * @param bytes that it has in the tables, as far as that is known without reading them
     */
    record InstanceRef(String id, long role, long bytes) {}

    /** @param bytes as of {@link InstanceRef} */
    record Cancelled(String instance, long role, String reason, long bytes) {}

    /** Ordinals of items of a map that programs have ended. */
    record ItemsEnded(long map, List<Long> completed, List<Long> failed) {}

    /** @param bytes as of {@link InstanceRef} */
    record SignalSent(String instance, long role, String name, long bytes) {}

    /** @param data JSON text */
    record Signal(String instance, String name, long id, String data) {}

    /**
     * A node whose attempt may begin, as far as its being recorded goes.
     *
     * @param started when the instance was started, for telling it from another one that had the same id
     * @param role the submitter's name; null when the role no longer exists
     * @param mayHttp whether the submitter has EXECUTE on {@code df.http}
     * @param mayMultipart the same for {@code df.http_multipart}
     */
    record Begun(
            String instance,
            String node,
            String started,
            @Nullable String role,
            boolean mayHttp,
            boolean mayMultipart) {}
}
