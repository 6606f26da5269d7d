package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/** All connections are reset and new ones refused for a while. */
public final class CutOff implements Fault {

    @Override
    public String name() {
        return "cut-off";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        world.proxy().cut();
        try {
            Pause.millis(random, 0, 3000);
        } finally {
            world.proxy().letIn();
        }
        return true;
    }
}
