package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Calls;
import dev.perdure.faults.ledger.Checker;
import dev.perdure.faults.ledger.Entry;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/** The checker itself: it is silent after a run without faults, and finds each violation that is planted then. */
public final class PlantedViolations implements Scenario {

    // Rows of one workflow, %1$s, whose steps must all have run once and have called no service: of others, a row less or
    // more may be no violation, or one of two kinds.
    private static final String ONE =
            " WHERE ctid = (SELECT ctid FROM app.effects WHERE instance = '%1$s' ORDER BY step LIMIT 1)";
    private static final String COMPLETED = " WHERE id = '%1$s'";

    /** What is planted, by what must be found. */
    private static Map<String, Violation.Kind> plants() {
        Map<String, Violation.Kind> plants = new LinkedHashMap<>();
        plants.put("DELETE FROM app.effects" + ONE, Violation.Kind.MISSING);
        plants.put("INSERT INTO app.effects SELECT * FROM app.effects" + ONE, Violation.Kind.DOUBLED);
        plants.put("UPDATE df.instances SET status = 'running'" + COMPLETED, Violation.Kind.STUCK);
        plants.put("UPDATE df.instances SET status = 'pending', output = NULL" + COMPLETED, Violation.Kind.STUCK);
        plants.put("UPDATE df.instances SET output = NULL" + COMPLETED, Violation.Kind.STUCK);
        plants.put("UPDATE df.instances SET status = 'failed'" + COMPLETED, Violation.Kind.WRONG_END);
        plants.put(
                "WITH gone AS (DELETE FROM df.instances" + COMPLETED
                        + " RETURNING id) DELETE FROM app.effects WHERE instance IN (SELECT id FROM gone)",
                Violation.Kind.LOST);
        plants.put("INSERT INTO app.effects (instance, step) VALUES ('deadbeef', 's1')", Violation.Kind.UNEXPECTED);
        plants.put(
                "INSERT INTO app.effects (instance, step) SELECT id, 'nowhere' FROM df.instances" + COMPLETED,
                Violation.Kind.UNEXPECTED);
        plants.put(
                "INSERT INTO watch.ends SELECT * FROM watch.ends WHERE ctid = (SELECT ctid FROM watch.ends LIMIT 1)",
                Violation.Kind.ENDED_AGAIN);
        plants.put(
                "UPDATE df._checkpoints SET state = replace(state::text, '\"at_least_once\"', '\"so_they_say\"')::jsonb"
                        + " WHERE state::text LIKE '%%\"at_least_once\"%%' AND state::text LIKE '%%CALL app.record_outside%%'",
                Violation.Kind.UNMARKED);
        plants.put(
                "UPDATE app.effects e SET began = '2000-01-01', at = '2100-01-01' WHERE EXISTS (SELECT FROM df._starts s"
                        + " WHERE s.instance_id = e.instance AND s.queue IS NOT NULL)",
                Violation.Kind.LIMIT);
        plants.put(
                "UPDATE df._starts SET ended_at = NULL WHERE instance_id = (SELECT s.instance_id FROM df._starts s"
                        + " WHERE s.queue IS NOT NULL LIMIT 1)",
                Violation.Kind.LIMIT);
        plants.put(
                "UPDATE app.effects SET began = '2000-01-01', at = '2100-01-01' WHERE step ~ '^u[0-9]+[ab]_[12]$'",
                Violation.Kind.LIMIT);
        // One after the other, and too many in a second.
        plants.put(
                "WITH numbered AS (SELECT instance, row_number() OVER (ORDER BY instance) * interval '10 ms' AS span FROM app.effects"
                        + " WHERE step ~ '^u1[ab]_1$')"
                        + " UPDATE app.effects e SET began = '2000-01-01'::timestamptz + n.span, at = '2000-01-01'::timestamptz + n.span + interval '5 ms'"
                        + " FROM numbered n WHERE n.instance = e.instance AND e.step ~ '^u1[ab]_[12]$'",
                Violation.Kind.LIMIT);
        plants.put(
                "WITH numbered AS (SELECT e.instance, row_number() OVER (ORDER BY e.instance) * interval '10 ms' AS span FROM app.effects e"
                        + " JOIN df._starts s ON s.instance_id = e.instance AND s.key LIKE 'planted%%')"
                        + " UPDATE app.effects e SET began = '2000-01-01'::timestamptz + n.span, at = '2000-01-01'::timestamptz + n.span + interval '5 ms'"
                        + " FROM numbered n WHERE n.instance = e.instance",
                Violation.Kind.LIMIT);
        // The one before it of its dedup key had ended.
        plants.put("UPDATE app.effects SET began = '2000-01-01', at = '2100-01-01' WHERE instance = '%2$s'", Violation.Kind.LIMIT);
        plants.put(
                "INSERT INTO app.effects SELECT * FROM app.effects WHERE ctid = (SELECT e.ctid FROM app.effects e JOIN df.instances i"
                        + " ON i.id = e.instance WHERE i.forked_from IS NOT NULL LIMIT 1)",
                Violation.Kind.DOUBLED);
        plants.put(
                "WITH gone AS (DELETE FROM df.instances WHERE forked_from IS NOT NULL RETURNING id)"
                        + " DELETE FROM app.effects WHERE instance IN (SELECT id FROM gone)",
                Violation.Kind.LOST);
        return plants;
    }

    @Override
    public String name() {
        return "planted";
    }

    @Override
    public String promise() {
        return "the checker finds nothing where nothing is, and each violation that was planted";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        RandomGenerator random = session.random("planted");
        try (World world = World.create()) {
            world.startWorkers(1);
            Generator generator = new Generator(random, world.service());
            Starter starter = new Starter(world.book(), LedgerTables.APP);
            Entry plain;
            Entry asking;
            Entry once;
            try (Connection app = world.server().connect(LedgerTables.APP)) {
                plain = starter.start(app, Generator.chain(3, 0));
                asking = starter.start(app, generator.ofOwner());
                // One more than may run of a key at once.
                for (int i = 0; i < 5; i++) {
                    starter.startInQueue(app, Generator.chain(1, 0), "planted");
                }
                for (int i = 0; i < 12; i++) {
                    starter.startInQueue(app, Generator.chain(1, 0), "planted " + i % 3);
                }
                once = starter.startOnce(app, Generator.chain(2, 0), null);
                world.awaitNumber("SELECT count(*) FROM df.instances WHERE id = '" + once.id() + "' AND status = 'completed'", 1);
                starter.startOnce(app, Generator.chain(2, 0), once);
                Entry forked = starter.startToFork(app);
                world.awaitNumber("SELECT count(*) FROM df.instances WHERE id = '" + forked.id() + "' AND status = 'failed'", 1);
                starter.forkSome(app, random);
                for (int i = 0; i < 16; i++) {
                    starter.start(app, Generator.section(i));
                }
                for (int i = 0; i < 97; i++) {
                    starter.startSomehow(app, generator.workflow(), random);
                    starter.cancelSome(app, random);
                }
            }
            List<Violation> violations = world.settle();
            if (!violations.isEmpty()) {
                return Verdict.of(violations, "136 workflows without a fault");
            }
            return plant(
                    world,
                    Objects.requireNonNull(plain.id()),
                    Objects.requireNonNull(once.id()),
                    Objects.requireNonNull(asking.id()));
        }
    }

    /** What is planted among the requests that the service has received, by what must be found. */
    private static Map<BiConsumer<Calls, Calls.Call>, Violation.Kind> requestPlants() {
        Map<BiConsumer<Calls, Calls.Call>, Violation.Kind> plants = new LinkedHashMap<>();
        // A step of one attempt more, with another key.
        plants.put(
                (calls, call) -> calls.received(new Calls.Call(call.instance(), call.step(), "another")),
                Violation.Kind.IDEMPOTENCY_KEY);
        // Sent without one.
        plants.put(
                (calls, call) -> calls.received(new Calls.Call(call.instance(), call.step(), null)),
                Violation.Kind.IDEMPOTENCY_KEY);
        // Two steps share one.
        plants.put(
                (calls, call) -> calls.counts().keySet().stream()
                        .filter(other -> !other.equals(call))
                        .findFirst()
                        .ifPresent(other -> {
                            calls.forget(other);
                            calls.received(new Calls.Call(other.instance(), other.step(), call.key()));
                        }),
                Violation.Kind.IDEMPOTENCY_KEY);
        plants.put(Calls::forget, Violation.Kind.MISSING);
        plants.put(
                (calls, call) -> calls.received(new Calls.Call("deadbeef", call.step(), "another")),
                Violation.Kind.UNEXPECTED);
        plants.put(
                (calls, call) -> calls.received(new Calls.Call(call.instance(), "nowhere", "another")),
                Violation.Kind.UNEXPECTED);
        return plants;
    }

    private static Verdict plant(World world, String plain, String once, String asking) throws SQLException {
        int found = 0;
        StringBuilder missed = new StringBuilder();
        try (Connection connection = world.server().connect("postgres");
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (Map.Entry<String, Violation.Kind> plant : plants().entrySet()) {
                // Without triggers and foreign keys: it is the tables that are wrong.
                statement.execute("SET LOCAL session_replication_role = replica");
                int rows = statement.executeUpdate(String.format(Locale.ROOT, plant.getKey(), plain, once));
                Set<Violation.Kind> kinds = Checker.check(connection, world.book()).stream()
                        .map(Violation::kind)
                        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Violation.Kind.class)));
                connection.rollback();
                if (rows > 0 && kinds.equals(EnumSet.of(plant.getValue()))) {
                    found++;
                } else {
                    missed.append("\n    ")
                            .append(rows == 0 ? "nothing was planted by " : "found " + kinds + " after ")
                            .append(plant.getKey());
                }
            }
        }
        for (Map.Entry<BiConsumer<Calls, Calls.Call>, Violation.Kind> plant :
                requestPlants().entrySet()) {
            Calls calls = world.book().calls().copy();
            plant.getKey().accept(calls, requestOf(asking, world));
            Set<Violation.Kind> kinds = check(world, calls);
            if (kinds.equals(EnumSet.of(plant.getValue()))) {
                found++;
            } else {
                missed.append("\n    found ").append(kinds).append(" among requests in place of ").append(plant.getValue());
            }
        }
        return missed.isEmpty()
                ? Verdict.passed("136 workflows without a finding, " + found + " planted violations found")
                : Verdict.failed("not found as they should be:" + missed);
    }

    private static Set<Violation.Kind> check(World world, Calls calls) throws SQLException {
        try (Connection connection = world.server().connect("postgres")) {
            return Checker.check(connection, world.book().with(calls)).stream()
                    .map(Violation::kind)
                    .collect(Collectors.toCollection(() -> EnumSet.noneOf(Violation.Kind.class)));
        }
    }

    /** Of one whose steps must all have run, as of {@link #ONE}: one of a lost race need not have been sent. */
    private static Calls.Call requestOf(String instance, World world) {
        return world.book().calls().counts().keySet().stream()
                .filter(call -> call.instance().equals(instance))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("instance " + instance + " has sent no request"));
    }
}
