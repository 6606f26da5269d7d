package dev.perdure.engine;

import dev.perdure.engine.actor.Effects;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.owner.SignalDelivery;
import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.BiConsumer;

/** Starts what decisions ask for, each kind where it belongs. */
final class EffectStarter implements Effects {

    /** A clock may be set, and a machine may have been asleep: a long timer looks at it now and then. */
    private static final Duration LOOK_AT_CLOCK = Duration.ofSeconds(5);

    private final SqlExecutor sql;
    private final BiConsumer<InstanceActor, Effect.SendHttp> http;
    private final SignalDelivery signals;
    private final TimerPort timers;
    private final InstantSource clock;

    EffectStarter(
            SqlExecutor sql,
            BiConsumer<InstanceActor, Effect.SendHttp> http,
            SignalDelivery signals,
            TimerPort timers,
            InstantSource clock) {
        this.sql = sql;
        this.http = http;
        this.signals = signals;
        this.timers = timers;
        this.clock = clock;
    }

    @Override
    public void start(InstanceActor actor, Effect effect) {
        if (effect instanceof Effect.RunSql run) {
            sql.start(actor, run);
        } else if (effect instanceof Effect.SendHttp send) {
            http.accept(actor, send);
        } else if (effect instanceof Effect.StartTimer timer) {
            Activation activation = timer.activation();
            startTimer(
                    actor,
                    activation,
                    timer.at(),
                    () -> actor.post(
                            (self, drain) -> self.decide(new Event.TimerFired(activation, clock.instant()), Map.of())));
        } else if (effect instanceof Effect.AwaitSignal wait) {
            signals.look(actor, wait.name());
            if (wait.deadline() != null) {
                startTimer(
                        actor,
                        wait.activation(),
                        wait.deadline(),
                        () -> signals.lookLast(actor, wait.name(), wait.activation()));
            }
        } else {
            throw new IllegalStateException("Unknown effect " + effect);
        }
    }

    private void startTimer(InstanceActor actor, Activation activation, Instant at, Runnable fired) {
        Duration left = Duration.between(clock.instant(), at);
        Duration pause = left.isNegative() ? Duration.ZERO : left.compareTo(LOOK_AT_CLOCK) > 0 ? LOOK_AT_CLOCK : left;
        WaitingTimer timer = new WaitingTimer();
        actor.attempts().put(activation, timer);
        timer.runs(timers.after(pause, () -> {
            if (!actor.attempts().remove(activation, timer)) {
                return;
            }
            if (clock.instant().isBefore(at)) {
                startTimer(actor, activation, at, fired);
            } else {
                fired.run();
            }
        }));
    }
}
