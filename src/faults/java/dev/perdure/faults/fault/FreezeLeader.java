package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.util.random.RandomGenerator;
import org.awaitility.Awaitility;

/** SIGSTOP of the leader until another leads, and a moment more; then SIGCONT: it must not write anything. */
public final class FreezeLeader implements Fault {

    @Override
    public String name() {
        return "freeze-leader";
    }

    @Override
    public boolean takesWorkers() {
        return true;
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        if (world.workers().all().size() < 2) {
            return false;
        }
        WorkerProcess frozen = world.workers().leader();
        frozen.freeze();
        try {
            Awaitility.await("another leader").atMost(World.PATIENCE).until(() -> world.workers().all().stream()
                    .filter(worker -> worker != frozen)
                    .anyMatch(worker -> worker.health("group/leader") == 200));
            Pause.millis(random, 0, 1000);
        } finally {
            frozen.thaw();
        }
        return true;
    }
}
