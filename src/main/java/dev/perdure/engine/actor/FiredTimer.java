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
 * A timer is over. What a time limit interrupts is ended before that is decided: its statements are cancelled and rolled back. One that does
 * not react is not waited for without end; it cannot commit any more either. What a program or a person has decided meanwhile counts.
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
     * One that has fired.
     *
     * @param looks looks for a signal of that name for the last time, and then has the time over
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
