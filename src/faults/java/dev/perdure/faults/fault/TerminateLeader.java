package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.util.random.RandomGenerator;

/** SIGTERM to the leader, which hands over and ends. */
public final class TerminateLeader implements Fault {

    @Override
    public String name() {
        return "terminate-leader";
    }

    @Override
    public boolean takesWorkers() {
        return true;
    }

    @Override
    public boolean strike(World world, RandomGenerator random) {
        WorkerProcess leader = world.workers().leader();
        leader.terminate();
        leader.awaitEnd();
        world.workers().ended(leader);
        return true;
    }
}
