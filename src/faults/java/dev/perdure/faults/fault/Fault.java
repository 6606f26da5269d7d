package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/** Something breaks, and is whole again, or can heal, when the call returns. */
public interface Fault {

    String name();

    /** Whether it kills or stops workers, so that only one such fault can strike at a time. */
    default boolean takesWorkers() {
        return false;
    }

    /**
     * Strikes.
     *
     * @return false when what it is aimed at did not come by: then nothing was tried
     */
    boolean strike(World world, RandomGenerator random) throws Exception;
}
