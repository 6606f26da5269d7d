package dev.perdure.engine.actor;

import dev.perdure.flow.Activation;
import dev.perdure.flow.AwaitedAnswers;
import dev.perdure.flow.Event;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The message that a timer is over. Before the end of a time limit is decided, the statements under it are cancelled and rolled back. A
 * statement that does not react is waited for only for a while; it cannot commit any more either. A decision of a program or a person that
 * came meanwhile counts.
 */
public final class FiredTimer implements Message {

    private static final Duration LONGEST_ROLLBACK = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(3);

    private final Activation activation;
    private final TimerPort timers;
    private final InstantSource clock;
    private final Consumer<String> looks;
    private final Instant latest;
    private final List<Attempt> ending = new ArrayList<>();

    /**
     * A timer that has fired.
     *
     * @param looks looks for a signal of that name for the last time, and then ends the wait
     */
    public FiredTimer(Activation activation, TimerPort timers, InstantSource clock, Consumer<String> looks) {
        this.looks = looks;
        this.activation = activation;
        this.timers = timers;
        this.clock = clock;
        this.latest = clock.instant().plus(LONGEST_ROLLBACK);
    }

    @Override
    public boolean handle(InstanceActor actor, Drain drain) {
        for (Activation step : actor.state().stepsUnder(activation)) {
            Attempt attempt = actor.attempts().remove(step);
            if (attempt != null) {
                attempt.interrupt();
                ending.add(attempt);
            }
        }
        ending.removeIf(Attempt::isOver);
        if (!ending.isEmpty() && clock.instant().isBefore(latest)) {
            timers.after(LOOK, () -> actor.post(this));
            return true;
        }
        List<String> answers = AwaitedAnswers.under(actor.state(), activation);
        if (!answers.isEmpty()) {
            answers.forEach(looks);
            return true;
        }
        return actor.decide(new Event.TimerFired(activation, clock.instant()), Map.of());
    }
}
