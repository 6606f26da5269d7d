package dev.perdure.store;

import dev.perdure.flow.Assignment;
import dev.perdure.flow.FailedStep;
import java.util.List;

/**
 * Lets programs have items of a map that are nothing but an activity each: the program that decides one of them ends the item.
 *
 * @param map {@code df._maps.id}
 * @param items at least one, all of the same node
 * @param failure the step at which an item fails
 * @param turn of the last one of the map that was assigned; 0 when that is not known
 * @param areNew whether none of them can have been assigned before
 */
public record AssignItems(long map, List<Item> items, FailedStep failure, long turn, boolean areNew) {

    /**
     * One of them.
     *
     * @param version of the item, on which it will be decided
     */
    public record Item(long ordinal, int version, Assignment assignment) {}

    /**
     * The outcome.
     *
     * @param written stale: the map has ended; rejected: one of the items cannot be assigned
     * @param turn of the last one
     */
    public record Answer(Journal.Written written, long turn) {}

    /** The characters of the payloads for programs. */
    public long payloadChars() {
        return items.stream()
                .map(item -> item.assignment().payload())
                .mapToLong(payload -> payload == null ? 0 : payload.length())
                .sum();
    }

    /** The same once more, when its outcome is unknown or nothing happened. */
    public AssignItems again() {
        return new AssignItems(map, items, failure, turn, false);
    }
}
