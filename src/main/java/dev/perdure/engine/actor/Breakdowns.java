package dev.perdure.engine.actor;

import dev.perdure.database.LogText;
import dev.perdure.engine.telemetry.LogFields;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * The handling of exceptions of our own code in the work on an instance. Such a breakdown is not the workflow's failure: an {@link Error},
 * and one exception that instances of several roles meet, end the term. An instance alone is read again, after pauses that grow, and is
 * given up only when that has not helped; each committed step begins the count anew. Thread-safe.
 */
public final class Breakdowns {

    private static final Logger LOG = Logger.getLogger(Breakdowns.class);
    /** Breakdowns without a committed step in between after which an instance is given up. */
    private static final int MOST = 4;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final int PAUSES_GROW = 8;
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);
    /** Most exceptions that are remembered, by the place that threw them. */
    private static final int REMEMBERED = 100;

    /** Counts of breakdowns by instance. They outlive a term: an instance that ends each term must not do so for ever. */
    public static final class History {
        private final Map<String, Integer> times = new ConcurrentHashMap<>();
        private final Map<String, Integer> stale = new ConcurrentHashMap<>();
    }

    /** Times that an instance with stale memory is read again at once. */
    private static final int STALE_AT_ONCE = 3;

    private static final Duration LONGEST_STALE_PAUSE = Duration.ofSeconds(30);

    private final History history;
    private final TimerPort timers;
    private final Consumer<String> stepDown;
    private final Map<String, Set<Long>> rolesOf = new HashMap<>();

    /**
     * The breakdowns of one term.
     *
     * @param stepDown ends the term, with the reason
     */
    public Breakdowns(History history, TimerPort timers, Consumer<String> stepDown) {
        this.history = history;
        this.timers = timers;
        this.stepDown = stepDown;
    }

    /**
     * Handles an exception of handing a message to an instance.
     *
     * @param drop gives back what it was told of
     */
    void brokeDown(InstanceActor actor, Throwable failure, Runnable drop) {
        LOG.errorf(failure, "Instance %s: a message could not be handled", actor.id());
        boolean isOurs = failure instanceof Error && !(failure instanceof StackOverflowError)
                || isMetBySeveralRoles(failure, actor.role());
        try {
            drop.run();
            again(actor, "internal error: " + failure);
        } catch (RuntimeException | Error e) {
            // Nothing that can be relied upon is left of it in memory.
            LOG.errorf(e, "Instance %s: its breakdown could not be handled", actor.id());
            isOurs = true;
        }
        if (isOurs) {
            stepDown.accept("an error of the worker's own: " + failure);
        }
    }

    /** Handles a decision that the tables do not take. */
    void rejected(InstanceActor actor, String why) {
        again(actor, why);
    }

    private void again(InstanceActor actor, String why) {
        if (isGivenUp(actor.id(), why)) {
            actor.giveUp(text(actor.id(), why));
        } else {
            actor.unload();
            later(actor.id(), actor::loadAgain);
        }
    }

    /** Counts a breakdown; whether there were too many. */
    boolean isGivenUp(String instance, String why) {
        int times = history.times.merge(instance, 1, Integer::sum);
        if (times < MOST) {
            LOG.warnf("Instance %s is read again (breakdown %d of %d): %s", instance, times, MOST, LogText.of(why));
        }
        return times >= MOST;
    }

    /** Reads an instance with a taken version again: at once, unless that happens again and again. */
    void stale(String instance, Runnable read) {
        int times = history.stale.merge(instance, 1, Integer::sum);
        if (times <= STALE_AT_ONCE) {
            read.run();
            return;
        }
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(10, times - STALE_AT_ONCE));
        if (times == 2 * STALE_AT_ONCE) {
            LogFields.with(
                    instance, null, () -> LOG.warnf("Instance %s: its rows are never what was read of them", instance));
        }
        timers.after(pause.compareTo(LONGEST_STALE_PAUSE) < 0 ? pause : LONGEST_STALE_PAUSE, read);
    }

    String text(String instance, String why) {
        return "Instance " + instance + " was given up after " + times(instance) + " attempts: " + why;
    }

    /** Runs a task after a pause that grows with the breakdowns of the instance. */
    void later(String instance, Runnable work) {
        Duration pause = FIRST_PAUSE;
        for (int i = 1; i < times(instance) && pause.compareTo(LONGEST_PAUSE) < 0; i++) {
            pause = pause.multipliedBy(PAUSES_GROW);
        }
        timers.after(pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE, work);
    }

    private int times(String instance) {
        return history.times.getOrDefault(instance, 1);
    }

    /** Forgets the breakdowns of an instance, because a step of it was committed, or it has ended. */
    void goesOn(String instance) {
        if (!history.times.isEmpty()) {
            history.times.remove(instance);
        }
        if (!history.stale.isEmpty()) {
            history.stale.remove(instance);
        }
    }

    private synchronized boolean isMetBySeveralRoles(Throwable failure, long role) {
        StackTraceElement[] trace = failure.getStackTrace();
        String key = failure.getClass().getName() + (trace.length == 0 ? "" : "@" + trace[0]);
        if (rolesOf.size() >= REMEMBERED) {
            rolesOf.clear();
        }
        Set<Long> roles = rolesOf.computeIfAbsent(key, any -> new HashSet<>());
        roles.add(role);
        return roles.size() > 1;
    }
}
