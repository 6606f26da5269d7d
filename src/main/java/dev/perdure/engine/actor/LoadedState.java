package dev.perdure.engine.actor;

import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.InstanceState;
import dev.perdure.session.SessionPools;

/**
 * An instance that was read and may run.
 *
 * @param isMarked whether rows say that it runs
 */
record LoadedState(
        InstanceOrigin origin, SessionPools.Key sessions, InstanceState state, Ledger ledger, boolean isMarked) {}
