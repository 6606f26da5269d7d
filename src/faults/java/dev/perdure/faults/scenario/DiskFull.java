package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.world.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.concurrent.TimeUnit;

/**
 * The disk of the ledger's and the worker's tables is full for a while (a tablespace on a tmpfs of 24 MB; needs the right to
 * mount).
 */
public final class DiskFull implements Scenario {

    @Override
    public String name() {
        return "disk-full";
    }

    @Override
    public String promise() {
        return "a disk that is full for a moment is waited for: it costs no attempt, and nothing is lost or doubled";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        Path disk = Files.createTempDirectory("perdure-disk");
        if (sh("mount", "-t", "tmpfs", "-o", "size=24m", "perdure-faults", disk.toString()) != 0) {
            return Verdict.skipped("a tmpfs cannot be mounted here");
        }
        try (World world = World.create()) {
            Path place = Files.createDirectory(disk.resolve("space"));
            world.server().asSuperuser("CREATE TABLESPACE small LOCATION '" + place + "'");
            world.server().asSuperuser("ALTER TABLE app.effects SET TABLESPACE small");
            for (String table : new String[] {"_checkpoints", "_maps", "_map_items"}) {
                world.server().asSuperuser("ALTER TABLE df." + table + " SET TABLESPACE small");
            }
            world.startWorkers(1);
            Starter starter = new Starter(world.book(), LedgerTables.APP);
            try (Connection app = world.server().connect(LedgerTables.APP)) {
                for (int i = 0; i < 40; i++) {
                    starter.start(app, Generator.chain(60, 0.03));
                }
                starter.start(app, Generator.map(2_000, false));
            }
            world.awaitNumber("SELECT count(*) FROM app.effects", 100);
            Path ballast = disk.resolve("ballast");
            sh("dd", "if=/dev/zero", "of=" + ballast, "bs=64k");
            // What is on its way may still find room in pages that are there.
            long before = standstill(world);
            try (Connection app = world.server().connect(LedgerTables.APP)) {
                // Its items find no place.
                starter.start(app, Generator.map(500, true));
            }
            TimeUnit.SECONDS.sleep(4);
            long during = world.effects();
            long waiting = world.unfinished();
            long maps = world.number("SELECT count(*) FROM df._maps WHERE total IS NOT NULL");
            Files.delete(ballast);
            String attempts = "SELECT greatest((SELECT coalesce(max((e.value ->> 'attempt')::int), 0) FROM df._checkpoints c,"
                    + " jsonb_each(c.state -> 'nodes') e), (SELECT max(attempt) FROM df._map_items))";
            Verdict verdict = Verdict.of(
                    world.settle(),
                    String.format(
                            "%d effects when it was full, %d after 4 s, %d in the end, maps whose items had a place then: %d of 2,"
                                    + " most attempts of a step or item %d",
                            before, during, world.effects(), maps, world.number(attempts)));
            if (verdict.kind() != Verdict.Kind.PASSED) {
                return verdict;
            }
            if (during > before + 20 || waiting == 0) {
                return Verdict.empty("no step met the full disk: " + verdict.text());
            }
            return world.number(attempts) > 1 ? Verdict.failed("it cost attempts: " + verdict.text()) : verdict;
        } finally {
            sh("umount", "-l", disk.toString());
            Files.delete(disk);
        }
    }

    /** Effects, once a second has passed without one. */
    private static long standstill(World world) throws Exception {
        long effects = world.effects();
        for (int second = 0; second < 20; second++) {
            TimeUnit.SECONDS.sleep(1);
            long now = world.effects();
            if (now == effects) {
                return now;
            }
            effects = now;
        }
        return effects;
    }

    private static int sh(String... command) throws Exception {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }
}
