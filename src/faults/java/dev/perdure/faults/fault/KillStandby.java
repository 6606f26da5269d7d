package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** SIGKILL of a worker that does not lead. */
public final class KillStandby implements Fault {

    @Override
    public String name() {
        return "kill-standby";
    }

    @Override
    public boolean takesWorkers() {
        return true;
    }

    @Override
    public boolean strike(World world, RandomGenerator random) {
        Optional<WorkerProcess> standby = world.workers().findStandby();
        standby.ifPresent(world.workers()::kill);
        return standby.isPresent();
    }
}
