package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import dev.perdure.store.JournalException;
import dev.perdure.store.LoadedInstance;
import dev.perdure.store.OpenItems;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The journal over {@link SimDatabase}: answers late, or not at all, or not although it has written. */
final class SimJournal implements Journal {

    private static final String LARGE = '"' + "x".repeat(1_000_000) + '"';

    private final SimDatabase database;
    private final SimScheduler scheduler;
    private final SimCodec codec;
    private final SimFaults faults;
    private final long epoch;

    SimJournal(SimDatabase database, SimScheduler scheduler, SimCodec codec, SimFaults faults, long epoch) {
        this.database = database;
        this.scheduler = scheduler;
        this.codec = codec;
        this.faults = faults;
        this.epoch = epoch;
    }

    @Override
    public CompletionStage<Answer> exchange(Exchange exchange) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        scheduler.after(faults.latency(), () -> {
            if (faults.losesExchange()) {
                scheduler.after(faults.latency(), () -> answer.completeExceptionally(lost()));
                return;
            }
            if (database.epoch != epoch) {
                SimFaults.met("owner: fenced");
                answer.completeExceptionally(failed(Failure.Kind.FENCED, "another term has begun"));
                return;
            }
            Answer found = perform(exchange);
            boolean isLost = faults.losesExchange();
            scheduler.after(faults.latency(), () -> {
                if (isLost) {
                    SimFaults.met("owner: answer lost");
                    answer.completeExceptionally(lost());
                } else {
                    Throwable broken = faults.broken("exchange");
                    if (broken != null) {
                        answer.completeExceptionally(broken);
                    } else {
                        answer.complete(found);
                    }
                }
            });
        });
        return answer;
    }

    @Override
    public CompletionStage<Optional<LoadedInstance>> read(String instance, boolean takenOver) {
        return beside(() -> {
            SimFaults.met("owner: large");
            SimDatabase.Row row = database.row(instance);
            if (takenOver) {
                database.tried(row);
            }
            return row == null || row.hasEnded || row.isSetAside ? Optional.empty() : Optional.of(database.load(row));
        });
    }

    @Override
    public CompletionStage<List<OpenItems.Answer>> readItems(List<OpenItems> items) {
        return beside(() -> items.stream().map(database.maps::open).toList());
    }

    private <T> CompletionStage<T> beside(Supplier<T> read) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        scheduler.after(faults.latency(), () -> {
            if (faults.losesExchange()) {
                scheduler.after(faults.latency(), () -> answer.completeExceptionally(lost()));
                return;
            }
            if (database.epoch != epoch) {
                SimFaults.met("owner: fenced");
                answer.completeExceptionally(failed(Failure.Kind.FENCED, "another term has begun"));
                return;
            }
            T found = read.get();
            Throwable broken = faults.broken("beside");
            if (broken != null) {
                answer.completeExceptionally(broken);
                return;
            }
            // What is large is under way for a while, and exchanges go on meanwhile.
            scheduler.after(faults.latency() + (faults.chance(3) ? 300_000_000 : 0), () -> answer.complete(found));
        });
        return answer;
    }

    @Override
    public CompletionStage<?> survived(boolean all) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        scheduler.after(faults.latency(), () -> {
            if (database.epoch == epoch) {
                database.survived(all);
            }
            done.complete(null);
        });
        return done;
    }

    private static JournalException lost() {
        return failed(Failure.Kind.CONNECTION_LOST, "no answer");
    }

    private static JournalException failed(Failure.Kind kind, String message) {
        return new JournalException(new Failure(kind, null, message), new IllegalStateException(message));
    }

    private Answer perform(Exchange exchange) {
        List<Written> written = new ArrayList<>();
        for (Write write : exchange.writes()) {
            written.add(write(write));
            SimFaults.met("owner: " + written.get(written.size() - 1).getClass().getSimpleName());
        }
        exchange.marks().forEach(mark -> {
            // As one whose exchange was lost, and which is sent again.
            long late = faults.lateness();
            scheduler.after(late, () -> {
                if (database.epoch == epoch) {
                    mark(mark);
                }
            });
        });
        List<Begun> begun = new ArrayList<>();
        for (Mark mark : exchange.begins()) {
            SimDatabase.Row row = database.row(mark.instance());
            if (!row.hasEnded) {
                mark(mark);
                begun.add(new Begun(mark.instance(), mark.node(), "then", "role" + row.role, true, true));
            }
        }
        List<LoadedInstance> loaded = new ArrayList<>();
        News news = exchange.look() == null ? null : news(exchange.look());
        if (exchange.load() != null) {
            exchange.load().takenOver().forEach(id -> database.tried(database.row(id)));
            for (String id : exchange.load().instances()) {
                SimDatabase.Row row = database.row(id);
                if (row != null
                        && !row.hasEnded
                        && !row.isSetAside
                        && (!row.isHeld || row.status.equals("cancelled"))) {
                    LoadedInstance whole = database.load(row);
                    loaded.add(whole.bytes() > exchange.load().large() ? SimDatabase.onlyItsSize(whole) : whole);
                }
            }
        }
        return new Answer(
                database.now(),
                written,
                begun,
                news,
                loaded,
                exchange.signals() == null ? List.of() : signals(exchange.signals()),
                items(exchange.items()));
    }

    private ItemsAnswer items(Items wanted) {
        return new ItemsAnswer(
                wanted.find().stream().map(database.maps::find).toList(),
                wanted.freeze().stream().map(database.maps::freeze).toList(),
                wanted.open().stream().map(this::open).toList(),
                wanted.assign().stream().map(database.maps::assign).toList());
    }

    private OpenItems.Answer open(OpenItems wanted) {
        if (faults.chance(20)) {
            // Somebody has locked the row of the map.
            return OpenItems.NotOpened.LOCKED;
        } else if (wanted.limit() != 0 && faults.chance(10)) {
            SimFaults.met("items: large");
            return OpenItems.NotOpened.LARGE;
        } else if (wanted.limit() != 0 && faults.chance(20)) {
            SimFaults.met("items: later");
            return OpenItems.NotOpened.LATER;
        }
        return database.maps.open(wanted);
    }

    private List<Signal> signals(SignalLook look) {
        List<Signal> signals = new ArrayList<>();
        long bytes = 0;
        for (SignalWanted wanted : look.wanted()) {
            SimDatabase.SimSignal found = database.row(wanted.instance()).signals.stream()
                    .filter(signal -> signal.name.equals(wanted.name()) && !signal.isConsumed)
                    .findFirst()
                    .orElse(null);
            if (found != null && bytes < look.bytes()) {
                String data = found.name.startsWith("large") ? LARGE : "{}";
                signals.add(new Signal(wanted.instance(), wanted.name(), found.id, data));
                bytes += data.length();
            }
        }
        return signals;
    }

    private Written write(Write write) {
        CheckpointRequest draft = codec.draft(write.state());
        SimDatabase.Row row = database.row(write.instance());
        if (row.hasEnded || row.isTaken(draft.version())) {
            return new Written.Stale();
        }
        if (row.taking.containsKey(draft.version())
                || row.isLocked && SimDatabase.ends(draft)
                || database.isItemTaken(row, draft)) {
            return new Written.Locked();
        }
        if (draft.version() != row.highest() + 1) {
            return new Written.Stale();
        }
        database.commit(row, draft, List.of());
        return new Written.Ok();
    }

    private void mark(Mark mark) {
        SimDatabase.Row row = database.row(mark.instance());
        if (mark.node() != null && !row.hasEnded) {
            row.marks.put(mark.node(), mark);
        }
    }

    private News news(Look look) {
        int position = look.snapshot() == null ? database.position() : Integer.parseInt(look.snapshot());
        List<LoadedInstance> along = new ArrayList<>();
        List<InstanceRef> started = new ArrayList<>();
        List<Cancelled> cancelled = new ArrayList<>();
        List<SignalSent> sent = new ArrayList<>();
        List<ItemsEnded> ended = new ArrayList<>();
        for (Object item : database.newsSince(position)) {
            if (item instanceof SimDatabase.Row row && !row.hasEnded && !row.isSetAside) {
                if (look.loadBytes() > 0 && scheduler.random().nextBoolean()) {
                    along.add(database.load(row));
                } else {
                    started.add(ref(row));
                }
            } else if (item instanceof Cancelled cancel) {
                cancelled.add(cancel);
            } else if (item instanceof SignalSent signal) {
                sent.add(signal);
            } else if (item instanceof ItemsEnded items) {
                ended.add(items);
            }
        }
        List<InstanceRef> due = null;
        if (look.due() != null) {
            due = new ArrayList<>();
            for (SimDatabase.Row row : database.rows()) {
                if (row.isParked
                        && isWithin(row.wakeAt, look.due().from(), look.due().to())
                        && !row.hasEnded) {
                    due.add(ref(row));
                }
            }
        }
        return new News(
                Integer.toString(database.position()),
                along,
                started,
                false,
                cancelled,
                sent,
                ended,
                look.page() == null ? null : left(look.page()),
                due == null ? null : new DuePage(due, look.due().to()));
    }

    private LeftPage left(Page page) {
        List<InstanceRef> left = new ArrayList<>();
        long last = page.afterXid();
        for (SimDatabase.Row row : database.rows()) {
            boolean isKnown = row.number < Integer.parseInt(page.snapshot());
            if (isKnown && row.number + 1 > page.afterXid() && left.size() < 3) {
                last = row.number + 1;
                if (!row.hasEnded && (!row.isParked || row.isCancelNoted)) {
                    left.add(ref(row));
                }
            }
        }
        boolean isLast = last == page.afterXid();
        boolean isFirst = page.afterXid() == 0 && page.afterId().isEmpty();
        List<Suspect> suspects = isFirst ? database.suspects() : List.of();
        return new LeftPage(left, suspects, isLast ? null : new Page(page.snapshot(), last, "", page.limit()));
    }

    private static boolean isWithin(@Nullable Instant at, Instant from, Instant to) {
        return at != null && at.isAfter(from) && !at.isAfter(to);
    }

    private static InstanceRef ref(SimDatabase.Row row) {
        return new InstanceRef(row.id, row.role, SimDatabase.bytes(row));
    }

    @Override
    public void close() {}
}
