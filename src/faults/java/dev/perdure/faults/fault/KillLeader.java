package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/** SIGKILL of the leader. */
public final class KillLeader implements Fault {

    @Override
    public String name() {
        return "kill-leader";
    }

    @Override
    public boolean takesWorkers() {
        return true;
    }

    @Override
    public boolean strike(World world, RandomGenerator random) {
        world.workers().kill(world.workers().leader());
        return true;
    }
}
