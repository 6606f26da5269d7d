package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/** Connections between workers and server are reset at random. */
public final class ResetConnections implements Fault {

    @Override
    public String name() {
        return "reset-connections";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        int reset = 0;
        int rounds = 1 + random.nextInt(10);
        for (int i = 0; i < rounds; i++) {
            reset += world.proxy().resetSome(random, 0.05 + random.nextDouble() / 2);
            Pause.millis(random, 10, 300);
        }
        return reset > 0;
    }
}
