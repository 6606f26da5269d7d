package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.util.random.RandomGenerator;

/**
 * What some connections carry is lost on the way, in both directions, without a word to either side; after a while each side finds out
 * by itself, as the kernel's timeouts do.
 */
public final class Silence implements Fault {

    @Override
    public String name() {
        return "silence";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws InterruptedException {
        Runnable findOut = world.proxy().silenceSome(random, 0.1 + random.nextDouble() / 2);
        try {
            Pause.millis(random, 100, random.nextInt(4) == 0 ? 9000 : 3000);
        } finally {
            findOut.run();
        }
        return true;
    }
}
