package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/** Nothing flows in one direction, or in both, for a moment or for longer than a leader lives without an answer. */
public final class Stall implements Fault {

    @Override
    public String name() {
        return "stall";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        int directions = 1 + random.nextInt(3);
        world.proxy().stall((directions & 1) != 0, (directions & 2) != 0);
        try {
            Pause.millis(random, 100, random.nextInt(4) == 0 ? 9000 : 1500);
        } finally {
            world.proxy().flow();
        }
        return true;
    }
}
