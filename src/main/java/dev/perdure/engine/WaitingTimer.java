package dev.perdure.engine;

import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.TimerPort;
import org.jspecify.annotations.Nullable;

/** A timer of a node. */
final class WaitingTimer implements Attempt {

    private TimerPort.@Nullable Cancellation cancellation;
    private boolean interrupted;

    synchronized void runs(TimerPort.Cancellation of) {
        cancellation = of;
        if (interrupted) {
            of.cancel();
        }
    }

    @Override
    public synchronized void interrupt() {
        interrupted = true;
        if (cancellation != null) {
            cancellation.cancel();
        }
    }
}
