package dev.perdure.flow.template;

import java.time.Instant;

/** Makes the addresses by which people and services outside of the database answer a step (ADR 240). */
@FunctionalInterface
public interface AddressBook {

    /** An address book for workers that listen for no answers. */
    AddressBook NONE = refusing("nothing listens for answers here");

    /** Signals are the instance's: which item would get one was chance. */
    AddressBook OF_ITEMS =
            refusing("the items of a map share the signals of their instance, and which of them got this one"
                    + " would be chance. Make the body of the map a workflow of its own (df.define, df.call): each item has its"
                    + " own signals then");

    /**
     * A step that can be answered.
     *
     * @param node its id
     * @param stamp of its activation
     * @param name what all attempts of it have in common: they hand out the same address
     * @param at the moment of the decision that begins it
     */
    record Step(String node, String stamp, String name, Instant at) {}

    /**
     * An address that works once.
     *
     * @param name of the signal, or the decision
     * @throws SubstitutionException when there can be none; the message says what to do
     */
    String address(Addresses kind, String name, Step step);

    private static AddressBook refusing(String reason) {
        return (kind, name, step) -> {
            throw new SubstitutionException(kind.written(name) + " at node " + step.node() + ": " + reason);
        };
    }
}
