package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** How long it takes from the death of the leader to the first step of the standby, by the clock of the server. */
public final class Failover implements Scenario {

    /**
     * A way to die.
     *
     * @param targetMillis for the median
     */
    private record Death(String name, long targetMillis, Consumer<WorkerProcess> how) {}

    private static final List<Death> DEATHS = List.of(
            new Death("SIGTERM", Long.getLong("faults.target.sigterm", 300), WorkerProcess::terminate),
            new Death("SIGKILL", Long.getLong("faults.target.sigkill", 250), WorkerProcess::kill),
            new Death("SIGSTOP", Long.getLong("faults.target.sigstop", 8_000), WorkerProcess::freeze));

    /** Which of them; all without the property. */
    private static final List<String> CHOSEN = Arrays.stream(
                    System.getProperty("faults.deaths", "").split(","))
            .filter(name -> !name.isBlank())
            .toList();

    @Override
    public String name() {
        return "failover";
    }

    @Override
    public String promise() {
        return "a standby goes on soon after the leader is gone";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        int repetitions = session.size(2, Integer.getInteger("faults.repetitions", 20));
        StringBuilder figures = new StringBuilder();
        boolean slow = false;
        try (World world = World.create()) {
            for (Death death : DEATHS) {
                if (!CHOSEN.isEmpty() && !CHOSEN.contains(death.name())) {
                    continue;
                }
                long[] millis = new long[repetitions];
                for (int i = 0; i < repetitions; i++) {
                    millis[i] = once(world, death);
                    System.out.printf("  %s %d of %d: %d ms%n", death.name(), i + 1, repetitions, millis[i]);
                }
                List<Violation> violations = world.settle();
                if (!violations.isEmpty()) {
                    return Verdict.of(violations, death.name());
                }
                Arrays.sort(millis);
                long median = millis[millis.length / 2];
                slow |= median > death.targetMillis();
                figures.append(String.format(
                        "%n    %s: median %d ms, fastest %d, slowest %d (target %d ms)%n      all: %s",
                        death.name(),
                        median,
                        millis[0],
                        millis[millis.length - 1],
                        death.targetMillis(),
                        Arrays.toString(millis)));
            }
        }
        String text = repetitions + " times each" + figures;
        // On a machine with other work the times say little, so that the short form only prints them.
        return slow && session.longForm() ? Verdict.failed("a target was missed: " + text) : Verdict.passed(text);
    }

    private static long once(World world, Death death) throws Exception {
        world.startWorkers(2 - world.workers().all().size());
        WorkerProcess leader = world.workers().leader();
        Starter starter = new Starter(world.book(), LedgerTables.APP);
        try (Connection app = world.server().connect(LedgerTables.APP)) {
            for (int i = 0; i < 8; i++) {
                starter.start(app, Generator.chain(death.name().equals("SIGSTOP") ? 150 : 60, 0.01));
            }
        }
        long before = world.effects();
        world.awaitNumber("SELECT count(*) FROM app.effects", before + 50);
        long died = world.number("SELECT (1000 * extract(epoch FROM clock_timestamp()))::bigint");
        death.how().accept(leader);
        String first = "(SELECT min(e.at) FROM app.effects e, df._worker_epoch w WHERE e.began >= w.started_at"
                + " AND w.started_at > to_timestamp(" + died + " / 1000.0))";
        world.awaitNumber("SELECT count(*) FROM " + first + " f WHERE min IS NOT NULL", 1);
        long millis = world.number("SELECT (1000 * extract(epoch FROM " + first + "))::bigint") - died;
        if (death.name().equals("SIGSTOP")) {
            leader.thaw();
        }
        List<WorkerProcess> gone = new ArrayList<>();
        if (!death.name().equals("SIGSTOP")) {
            gone.add(leader);
        }
        gone.forEach(worker -> {
            worker.awaitEnd();
            world.workers().ended(worker);
        });
        return millis;
    }
}
