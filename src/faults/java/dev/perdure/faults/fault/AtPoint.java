package dev.perdure.faults.fault;

import dev.perdure.faults.world.Link;
import dev.perdure.faults.world.Point;
import dev.perdure.faults.world.Spot;
import dev.perdure.faults.world.Subject;
import dev.perdure.faults.world.Trap;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.awaitility.Awaitility;

/** A step, or an item, an admission, a planned time, is caught at a named point of the step protocol, and something breaks there. */
public final class AtPoint implements Fault {

    /** What breaks. */
    public enum Break {
        /** SIGKILL of the leader. */
        KILL_LEADER,
        /** The connection is reset. */
        RESET,
        /** The server ends the session. */
        END_SESSION,
        /** Immediate shutdown of the server. */
        CRASH_SERVER,
        /** The leader freezes until another leads; what was on the way then arrives. */
        FREEZE_LEADER
    }

    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Point point;
    private final Break what;
    private final Subject subject;

    /** A fault that strikes a step. */
    public AtPoint(Point point, Break what) {
        this(point, what, Subject.STEP);
    }

    public AtPoint(Point point, Break what, Subject subject) {
        this.point = point;
        this.what = what;
        this.subject = subject;
    }

    /** What it strikes. */
    public Subject subject() {
        return subject;
    }

    /** Whether the process that leads goes on, and the server does. */
    public boolean leavesLeader() {
        return (what == Break.RESET || what == Break.END_SESSION) && point != Point.AFTER_LOAD;
    }

    @Override
    public String name() {
        return (what + "-" + point + (subject == Subject.STEP ? "" : "-of-" + subject)).toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override
    public boolean takesWorkers() {
        return true;
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws Exception {
        Trap trap = world.proxy().arm(new Spot(point, subject));
        if (point == Point.AFTER_LOAD) {
            // Who begins to lead reads what the one before has left; otherwise almost all is read together with the look for it.
            if (what == Break.FREEZE_LEADER) {
                // Somebody has to be there who leads in the frozen one's place.
                world.workers().start();
                world.workers().awaitReady();
            }
            world.workers().kill(world.workers().leader());
        }
        Optional<Link> caught = trap.await(LIMIT);
        if (caught.isEmpty()) {
            world.proxy().disarm();
            trap.forward();
            return false;
        }
        try {
            breakThere(world, random, trap, caught.get());
        } finally {
            trap.forward();
        }
        return true;
    }

    private void breakThere(World world, RandomGenerator random, Trap trap, Link caught) throws Exception {
        switch (what) {
            case KILL_LEADER -> {
                WorkerProcess leader = world.workers().leader();
                world.workers().kill(leader);
                trap.reset();
            }
            case RESET -> trap.reset();
            case END_SESSION -> {
                try (Connection superuser = world.server().connect("postgres");
                        var statement = superuser.prepareStatement("SELECT pg_terminate_backend(?, 5000)")) {
                    statement.setInt(1, caught.backendPid());
                    statement.executeQuery().close();
                }
                trap.forward();
            }
            case CRASH_SERVER -> {
                new CrashServer().strike(world, random);
                trap.forward();
            }
            case FREEZE_LEADER -> freeze(world, trap);
        }
    }

    /** The other begins its term beside what is in flight, which then arrives while the old leader still sleeps. */
    private static void freeze(World world, Trap trap) {
        WorkerProcess frozen = world.workers().leader();
        frozen.freeze();
        try {
            Awaitility.await("another leader").atMost(World.PATIENCE).until(() -> anotherLeads(world, frozen));
            trap.forward();
        } finally {
            frozen.thaw();
        }
    }

    private static boolean anotherLeads(World world, WorkerProcess frozen) {
        return world.workers().all().stream()
                .filter(worker -> worker != frozen)
                .anyMatch(worker -> worker.health("group/leader") == 200);
    }
}
