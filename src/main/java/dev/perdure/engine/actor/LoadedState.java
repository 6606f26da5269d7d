package dev.perdure.engine.actor;

import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.InstanceState;
import dev.perdure.session.SessionPools;
import dev.perdure.store.CheckpointRequest;
import org.jspecify.annotations.Nullable;

/**
 * An instance that was read and may run.
 *
 * @param isMarked whether rows say that it runs
 * @param home where it comes from
 * @param item what it is, when it is an item of a map; null for an instance
 */
public record LoadedState(
        InstanceOrigin origin,
        SessionPools.Key sessions,
        InstanceState state,
        Ledger ledger,
        boolean isMarked,
        Home home,
        CheckpointRequest.@Nullable Item item) {}
