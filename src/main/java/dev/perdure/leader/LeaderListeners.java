package dev.perdure.leader;

import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import java.util.List;

/** Several listeners as one: told of a term in their order, and of its end in the opposite one. */
public final class LeaderListeners implements LeaderListener {

    private final List<LeaderListener> listeners;

    public LeaderListeners(List<LeaderListener> listeners) {
        this.listeners = List.copyOf(listeners);
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        listeners.forEach(listener -> listener.elected(term, server, host));
    }

    @Override
    public void standsBy(int host) {
        listeners.forEach(listener -> listener.standsBy(host));
    }

    @Override
    public void wake() {
        listeners.forEach(LeaderListener::wake);
    }

    @Override
    public void dismissed(boolean orderly) {
        for (int i = listeners.size() - 1; i >= 0; i--) {
            listeners.get(i).dismissed(orderly);
        }
    }

    @Override
    public void released() {
        listeners.forEach(LeaderListener::released);
    }
}
