package dev.perdure.faults;

import java.time.Duration;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The arguments of one run of the suite.
 *
 * @param seed of everything random
 * @param longForm whether repetitions and sizes are those of the long form
 * @param time how long the mixed faults go on
 */
public record Session(long seed, boolean longForm, Duration time) {

    /** Random numbers for one purpose, always the same for the same seed. */
    public RandomGenerator random(String purpose) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed ^ ((long) purpose.hashCode() << 20));
    }

    /** One of two sizes. */
    public int size(int shortForm, int inLongForm) {
        return longForm ? inLongForm : shortForm;
    }
}
