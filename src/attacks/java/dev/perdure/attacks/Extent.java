package dev.perdure.attacks;

import java.time.Duration;
import java.util.List;

/**
 * How much is done in one run.
 *
 * @param longForm whether sizes are those of the long form
 * @param hold how long the victim is measured beside an attack, and again when another leader has begun
 * @param limit so long a service may take
 * @param memory heaps of the worker, in megabytes; all attacks with each of them
 */
public record Extent(boolean longForm, Duration hold, Duration limit, List<Integer> memory) {

    /** One of two sizes. */
    public int size(int shortForm, int inLongForm) {
        return longForm ? inLongForm : shortForm;
    }
}
