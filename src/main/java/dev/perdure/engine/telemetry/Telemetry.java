package dev.perdure.engine.telemetry;

import dev.perdure.database.Failure;
import dev.perdure.flow.Checkpoint;
import java.time.Instant;

/** Reports of actors about themselves. Must not block. */
public interface Telemetry {

    void checkpointFailed(Failure.Kind kind);

    /** @param well undone; otherwise given up */
    void undosEnded(long count, boolean well);

    void instanceEnded(InstanceOrigin instance, Checkpoint.InstanceEnd end, Instant at);
}
