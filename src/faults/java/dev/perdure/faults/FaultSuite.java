package dev.perdure.faults;

import dev.perdure.faults.scenario.CitusCrashes;
import dev.perdure.faults.scenario.ClockJumps;
import dev.perdure.faults.scenario.CommitInFlight;
import dev.perdure.faults.scenario.DiskFull;
import dev.perdure.faults.scenario.Failover;
import dev.perdure.faults.scenario.Fleet;
import dev.perdure.faults.scenario.Load;
import dev.perdure.faults.scenario.LockedRows;
import dev.perdure.faults.scenario.MixedFaults;
import dev.perdure.faults.scenario.NamedPoints;
import dev.perdure.faults.scenario.PlantedViolations;
import dev.perdure.faults.scenario.Programs;
import dev.perdure.faults.scenario.Schedules;
import dev.perdure.faults.scenario.SilentNetwork;
import dev.perdure.faults.scenario.SlowCommit;
import dev.perdure.faults.scenario.SwitchedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Runs the scenarios and says what came of them; exit code 1 when a promise was not kept or nothing was tried.
 *
 * <p>System properties: {@code faults.form} ({@code short}, at most five minutes, or {@code long}), {@code faults.seconds} of
 * mixed faults, {@code faults.seed}, {@code faults.only} (names with commas), {@code faults.patience} in seconds,
 * {@code faults.points} (a pattern of names of points, such as {@code .*planned}), which run {@code faults.times} times.
 */
public final class FaultSuite {

    /** Held here: a logger that nobody refers to forgets its level. */
    private static final Logger DRIVER = Logger.getLogger("org.postgresql");


    private FaultSuite() {}

    private static List<Scenario> scenarios() {
        return List.of(
                new PlantedViolations(),
                new NamedPoints(),
                new CommitInFlight(),
                new SlowCommit(),
                new LockedRows(),
                new Failover(),
                new SwitchedServer(),
                new SilentNetwork(),
                new DiskFull(),
                new ClockJumps(),
                new Schedules(),
                new Programs(),
                new Load(),
                new Fleet(),
                new MixedFaults(),
                new CitusCrashes());
    }

    /** Runs the suite. */
    public static void main(String[] arguments) {
        // The driver warns of each connection that is cut off on purpose.
        DRIVER.setLevel(Level.SEVERE);
        // Read by the processes' tests as well, which are less patient; a machine with other work takes its time.
        System.setProperty("faults.patience", System.getProperty("faults.patience", "240"));
        boolean longForm = System.getProperty("faults.form", "short").equals("long");
        long seed = Long.getLong("faults.seed", System.nanoTime() & 0xffffff);
        Duration time = Duration.ofSeconds(Long.getLong("faults.seconds", longForm ? 1200 : 60));
        Session session = new Session(seed, longForm, time);
        List<String> only = names("faults.only");
        List<String> without = names("faults.without");
        System.out.printf(
                "Fault suite, %s form, seed %d. To repeat: ./mvnw -Pfaults verify -Dfaults.form=%s -Dfaults.seed=%d"
                        + " -Dfaults.seconds=%d%n",
                longForm ? "long" : "short", seed, longForm ? "long" : "short", seed, time.toSeconds());
        List<String> bad = new ArrayList<>();
        int tried = 0;
        for (Scenario scenario : scenarios()) {
            if ((only.isEmpty() || only.contains(scenario.name())) && !without.contains(scenario.name())) {
                tried++;
                if (!run(scenario, session)) {
                    bad.add(scenario.name());
                }
            }
        }
        if (tried == 0) {
            bad.add("no scenario is called " + only);
        }
        if (!bad.isEmpty()) {
            System.out.println("FAILED, seed " + seed + ": " + String.join(", ", bad));
            // Threads of what failed may still run.
            System.exit(1);
        }
        System.out.println("All promises were kept, seed " + seed);
        System.exit(0);
    }

    private static List<String> names(String property) {
        return Arrays.stream(System.getProperty(property, "").split(","))
                .filter(name -> !name.isBlank())
                .toList();
    }

    private static boolean run(Scenario scenario, Session session) {
        System.out.printf("%n%s: %s%n", scenario.name(), scenario.promise());
        long begin = System.nanoTime();
        Verdict verdict;
        try {
            verdict = scenario.run(session);
        } catch (Exception | AssertionError e) {
            e.printStackTrace(System.out);
            verdict = Verdict.failed("it could not be carried out: " + e);
        }
        System.out.printf(
                "%s %s after %d s: %s%n",
                verdict.kind(), scenario.name(), (System.nanoTime() - begin) / 1_000_000_000, verdict.text());
        return verdict.kind() == Verdict.Kind.PASSED || verdict.kind() == Verdict.Kind.SKIPPED;
    }
}
