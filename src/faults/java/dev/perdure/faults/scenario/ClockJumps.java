package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.World;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.LocalTime;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The clock of the workers' machine jumps forth and back by hours while they work (needs libfaketime). */
public final class ClockJumps implements Scenario {

    @Override
    public String name() {
        return "clock";
    }

    @Override
    public String promise() {
        return "the clock of the workers' machine matters to nothing: it may jump by hours";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        Optional<Path> library = library();
        if (library.isEmpty()) {
            return Verdict.skipped("libfaketime is not installed");
        }
        try (World world = World.create()) {
            Path clock = world.folder().resolve("clock");
            Files.writeString(clock, "+0");
            world.workers()
                    .environment("LD_PRELOAD", library.get().toString())
                    .environment("FAKETIME_TIMESTAMP_FILE", clock.toString())
                    .environment("FAKETIME_CACHE_DURATION", "1")
                    .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                    // Java's waits are on the monotonic clock; "fixed", none of them would wait.
                    .environment("FAKETIME_FORCE_MONOTONIC_FIX", "0");
            world.startWorkers(2);
            Crowd crowd = new Crowd(world, 60).join(LedgerTables.APP, session.random("clock"));
            int jumps = 0;
            for (String offset : new String[] {"+3600", "+0", "-3600", "+7200", "-86400", "+0"}) {
                long effects = world.effects();
                Files.writeString(clock, offset);
                try (Connection app = world.server().connect(LedgerTables.APP)) {
                    // A failure stands in the log, with the time that the worker believes in.
                    new Starter(world.book(), LedgerTables.APP).start(app, Generator.waiting(2, 1.5));
                }
                world.awaitNumber("SELECT count(*) FROM app.effects", effects + 50);
                jumps++;
                TimeUnit.MILLISECONDS.sleep(1800);
            }
            crowd.stop();
            List<Violation> violations = world.settle();
            if (world.workers().all().stream().noneMatch(worker -> hasJumped(worker.log()))) {
                return Verdict.empty("no worker's clock has jumped");
            }
            return Verdict.of(violations, jumps + " jumps, " + world.book().size() + " starts");
        }
    }

    /** Whether lines of a log were written hours away from now, by the clock of who wrote them. */
    private static boolean hasJumped(String log) {
        LocalTime now = LocalTime.now();
        return log.lines()
                .filter(line -> line.matches("\\d\\d:\\d\\d:\\d\\d\\..*"))
                .map(line -> LocalTime.parse(line.substring(0, 8)))
                .anyMatch(time -> Math.floorMod(Duration.between(time, now).toMinutes(), 24 * 60L) > 45);
    }

    private static Optional<Path> library() throws IOException {
        Path libraries = Path.of("/usr/lib");
        if (!Files.isDirectory(libraries)) {
            return Optional.empty();
        }
        try (Stream<Path> found =
                Files.find(libraries, 4, (path, is) -> path.endsWith("libfaketimeMT.so.1"), new FileVisitOption[0])) {
            return found.findFirst();
        }
    }
}
