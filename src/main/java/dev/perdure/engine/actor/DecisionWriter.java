package dev.perdure.engine.actor;

import dev.perdure.store.Journal;
import java.util.function.Consumer;

/** Writes the owner's decisions. */
public interface DecisionWriter {

    /**
     * Writes one decision. It is tried again while rows are locked or the server does not answer.
     *
     * @param role of the submitter: roles take turns
     * @param answer told once, from any thread: written, stale or rejected; never once the term is over
     */
    void write(long role, Journal.Write write, Consumer<Journal.Written> answer);
}
