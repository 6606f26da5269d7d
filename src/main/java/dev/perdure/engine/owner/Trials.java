package dev.perdure.engine.owner;

import dev.perdure.database.LogText;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/**
 * Trials of suspects: instances that may have ended an earlier leader, see {@link Journal.Suspect}. The suspects of one role at a time
 * run, until a checkpoint is committed or nothing has happened for a while; if the process ends again, the role is known. Used by the
 * owner's loop only.
 */
final class Trials {

    private static final Logger LOG = Logger.getLogger(Trials.class);
    /**
     * Duration of a trial: an instance that ends a process does so soon, or cannot be told from a long one. Longer than
     * {@code df._survived} says, and than its call takes.
     */
    private static final Duration LONGEST = Duration.ofSeconds(7);

    private final Set<String> suspects = new HashSet<>();
    private final Set<String> setAside = new HashSet<>();
    private final Map<Long, List<Journal.InstanceRef>> waiting = new LinkedHashMap<>();
    private final Set<String> unread = new HashSet<>();
    private final Set<String> begun = new HashSet<>();
    private boolean hasBegun;
    private long since;

    /** Takes the suspects that the tables name at the beginning of the term. */
    void know(List<Journal.Suspect> known) {
        for (Journal.Suspect suspect : known) {
            if (suspect.isSetAside()) {
                setAside.add(suspect.instance());
                LogFields.with(
                        suspect.instance(),
                        null,
                        () -> LOG.warnf(
                                "Instance %s is set aside: %d leaders in succession have ended while they worked on it;"
                                        + " df.resume lets it go on",
                                LogText.of(suspect.instance()), suspect.tries()));
            } else {
                suspects.add(suspect.instance());
            }
        }
    }

    /**
     * Whether an instance of an earlier term must not be read now. It is kept until its trial, unless it is set aside. Instances without
     * suspicion go first.
     */
    boolean keeps(Journal.InstanceRef instance) {
        if (suspects.contains(instance.id())) {
            waiting.computeIfAbsent(instance.role(), role -> new ArrayList<>()).add(instance);
            return true;
        }
        boolean isSetAside = setAside.contains(instance.id());
        if (!isSetAside && !suspects.isEmpty()) {
            unread.add(instance.id());
        }
        return isSetAside;
    }

    /** Whether an instance waits for its trial. */
    boolean isOn() {
        return !waiting.isEmpty();
    }

    /** Notes that an instance has come into memory, or no longer exists. */
    void read(String instance) {
        if (unread.remove(instance)) {
            begun.add(instance);
        }
    }

    /** The instances whose trial begins now. */
    List<Journal.InstanceRef> next(long nanos, Predicate<String> isInMemory) {
        if (waiting.isEmpty()) {
            return List.of();
        }
        if (!hasBegun) {
            hasBegun = true;
            since = nanos;
        }
        boolean isOver = unread.isEmpty() && begun.stream().noneMatch(isInMemory);
        if (!isOver && nanos - since < LONGEST.toNanos()) {
            return List.of();
        }
        Long role = waiting.keySet().iterator().next();
        List<Journal.InstanceRef> next = waiting.remove(role);
        begun.clear();
        unread.clear();
        next.forEach(instance -> unread.add(instance.id()));
        since = nanos;
        return next;
    }
}
