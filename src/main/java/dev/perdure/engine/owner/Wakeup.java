package dev.perdure.engine.owner;

/** Wakes the owner's loop. May be called from any thread, at any time; calls are coalesced. */
@FunctionalInterface
public interface Wakeup {
    void wake();
}
