package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/**
 * Immediate shutdown of PostgreSQL and restart: what was not flushed is gone. With a role whose commits are not waited for,
 * the server is rewound a little.
 */
public final class CrashServer implements Fault {

    @Override
    public String name() {
        return "crash-server";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        world.server().crash();
        world.book().serverCrashed();
        Pause.millis(random, 0, 2000);
        world.server().restart();
        return true;
    }
}
