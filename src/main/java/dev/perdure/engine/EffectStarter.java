package dev.perdure.engine;

import dev.perdure.engine.actor.Effects;
import dev.perdure.engine.actor.FiredTimer;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.map.Maps;
import dev.perdure.engine.owner.SignalDelivery;
import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Starts the effects of decisions, each kind with its executor. */
final class EffectStarter implements Effects {

    /** The longest wait of a timer without a look at the clock: the clock may be set, and the machine may sleep. */
    private static final Duration LOOK_AT_CLOCK = Duration.ofSeconds(5);

    private static final Duration LONGEST_SPAN = Duration.ofDays(365L * 100);

    private final SqlExecutor sql;
    private final BiConsumer<InstanceActor, Effect.SendHttp> http;
    private final SignalDelivery signals;
    private final Maps maps;
    private final TimerPort timers;
    private final InstantSource clock;
    private final LongSupplier nanos;

    EffectStarter(
            SqlExecutor sql,
            BiConsumer<InstanceActor, Effect.SendHttp> http,
            SignalDelivery signals,
            Maps maps,
            TimerPort timers,
            InstantSource clock,
            LongSupplier nanos) {
        this.sql = sql;
        this.http = http;
        this.signals = signals;
        this.maps = maps;
        this.timers = timers;
        this.clock = clock;
        this.nanos = nanos;
    }

    @Override
    public void start(InstanceActor actor, Effect effect) {
        if (effect instanceof Effect.RunSql run) {
            sql.start(actor, run);
        } else if (effect instanceof Effect.SendHttp send) {
            http.accept(actor, send);
        } else if (effect instanceof Effect.RunMap map) {
            maps.start(actor, map);
        } else if (effect instanceof Effect.StartTimer timer) {
            Activation activation = timer.activation();
            startTimer(
                    actor,
                    activation,
                    timer.at(),
                    timer.span(),
                    () -> actor.post(new FiredTimer(
                            activation, timers, clock, name -> signals.lookLast(actor, name, activation))));
        } else if (effect instanceof Effect.AwaitSignal wait) {
            signals.look(actor, wait.name());
            if (wait.deadline() != null) {
                startTimer(
                        actor,
                        wait.activation(),
                        wait.deadline(),
                        wait.span(),
                        () -> signals.lookLast(actor, wait.name(), wait.activation()));
            }
        } else {
            throw new IllegalStateException("Unknown effect " + effect);
        }
    }

    private void startTimer(
            InstanceActor actor, Activation activation, Instant at, @Nullable Duration span, Runnable fired) {
        Duration left = left(at);
        Duration most = span == null || span.compareTo(left) > 0 ? left : span;
        // What is longer than the monotonic source can tell is over when the clock says so.
        boolean isSpan = span != null && most.compareTo(LONGEST_SPAN) < 0;
        startTimer(actor, activation, new Due(at, isSpan ? nanos.getAsLong() + most.toNanos() : 0, isSpan), fired);
    }

    /**
     * The end of a timer.
     *
     * @param at the server's clock says
     * @param end the monotonic source says
     * @param isSpan whether either of the two is enough: a moment of the calendar is what the clock says
     */
    private record Due(Instant at, long end, boolean isSpan) {}

    private Duration left(Instant at) {
        Duration left = Duration.between(clock.instant(), at);
        return left.isNegative() ? Duration.ZERO : left;
    }

    private boolean isOver(Due due) {
        return !clock.instant().isBefore(due.at()) || due.isSpan() && nanos.getAsLong() - due.end() >= 0;
    }

    private void startTimer(InstanceActor actor, Activation activation, Due due, Runnable fired) {
        Duration left = left(due.at());
        if (due.isSpan()) {
            Duration ofSpan = Duration.ofNanos(Math.max(0, due.end() - nanos.getAsLong()));
            left = ofSpan.compareTo(left) < 0 ? ofSpan : left;
        }
        Duration pause = left.compareTo(LOOK_AT_CLOCK) > 0 ? LOOK_AT_CLOCK : left;
        WaitingTimer timer = new WaitingTimer();
        actor.attempts().put(activation, timer);
        timer.runs(timers.after(pause, () -> {
            if (!actor.attempts().remove(activation, timer)) {
                return;
            }
            if (isOver(due)) {
                fired.run();
            } else {
                startTimer(actor, activation, due, fired);
            }
        }));
    }
}
