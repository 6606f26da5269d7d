package dev.perdure.engine.actor;

import dev.perdure.database.LogText;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.flow.Checkpoint;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import dev.perdure.store.Park;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Writes the end of instances, and items, that cannot run and are not in memory. */
final class EndWriter {

    private static final Logger LOG = Logger.getLogger(EndWriter.class);

    private final Breakdowns breakdowns;
    private final CheckpointCodec codec;
    private final DecisionWriter writer;
    private final InstantSource clock;

    EndWriter(Breakdowns breakdowns, CheckpointCodec codec, DecisionWriter writer, InstantSource clock) {
        this.breakdowns = breakdowns;
        this.codec = codec;
        this.writer = writer;
        this.clock = clock;
    }

    /**
     * An instance, or item, that ends.
     *
     * @param id the instance's, or an item's key
     * @param role oid of the submitter
     * @param item what it is of a map; null for an instance
     * @param ended told when that is committed
     * @param load has it read again
     */
    record Ending(
            String id,
            long role,
            CheckpointRequest.@Nullable Item item,
            Consumer<Checkpoint.InstanceEnd> ended,
            Runnable load) {}

    /**
     * Writes that it failed, with the reason, unless it is cancelled.
     *
     * @param version that its end takes
     */
    void write(Ending ending, int version, boolean isCancelled, String why) {
        String id = ending.id();
        LogFields.with(id, null, () -> LOG.warnf("Instance %s fails: %s", id, LogText.of(why)));
        Checkpoint.InstanceEnd end = new Checkpoint.InstanceEnd(
                isCancelled ? Checkpoint.InstanceEnd.Status.CANCELLED : Checkpoint.InstanceEnd.Status.FAILED, why);
        CheckpointRequest draft = new CheckpointRequest(
                id,
                version,
                List.of(new Checkpoint(
                        List.of(), null, end, List.of(), List.of(), List.of(), List.of(Checkpoint.ALL_MAPS), false)),
                Map.of(),
                List.of(),
                new Park.Unchanged(),
                clock.instant(),
                true,
                true,
                ending.item());
        writer.write(ending.role(), codec.ofOwner(draft), outcome -> {
            if (outcome instanceof Journal.Written.Ok) {
                breakdowns.goesOn(id);
                ending.ended().accept(end);
            } else if (outcome instanceof Journal.Written.Stale) {
                breakdowns.stale(id, ending.load());
            } else if (outcome instanceof Journal.Written.Rejected rejected) {
                String message = rejected.failure().message();
                LogFields.with(id, null, () -> LOG.errorf("Instance %s: its end cannot be written: %s", id, message));
                breakdowns.later(id, ending.load());
            }
        });
    }
}
