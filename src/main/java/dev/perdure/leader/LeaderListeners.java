package dev.perdure.leader;

import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/** Several listeners as one: told of a term in their order, and of its end in the opposite one. */
public final class LeaderListeners implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(LeaderListeners.class);

    private final List<LeaderListener> listeners;

    public LeaderListeners(List<LeaderListener> listeners) {
        this.listeners = List.copyOf(listeners);
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        listeners.forEach(listener -> listener.elected(term, server, host));
    }

    @Override
    public void dismissed(boolean orderly) {
        dismissed(() -> orderly);
    }

    @Override
    public void dismissed(BooleanSupplier stillLeads) {
        for (int i = listeners.size() - 1; i >= 0; i--) {
            LeaderListener listener = listeners.get(i);
            told(listener, () -> listener.dismissed(stillLeads));
        }
    }

    @Override
    public void released() {
        listeners.forEach(listener -> told(listener, listener::released));
    }

    /** One that throws must not keep the others from ending. */
    private static void told(LeaderListener listener, Runnable word) {
        try {
            word.run();
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "%s could not end its term", listener.getClass().getSimpleName());
        }
    }
}
