package dev.perdure.faults.fault;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** How long something stays broken. That is the fault itself, and no waiting for a condition. */
final class Pause {

    private Pause() {}

    static void millis(RandomGenerator random, int least, int most) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(least + random.nextInt(most - least + 1));
    }
}
