package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import dev.perdure.graph.CallNode;
import dev.perdure.graph.ConditionWaitNode;
import dev.perdure.graph.Graph;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.RetryNode;
import dev.perdure.graph.SqlNode;
import dev.perdure.graph.TimeoutNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/**
 * A crash at any point must be invisible: random graphs, random outcomes and a random but fixed order of completion, once
 * without crashes and once with memory thrown away between and inside of commits.
 */
class CrashProperties {

    private static final int MOST_EVENTS = 250;

    @Property
    void a_run_with_crashes_ends_as_the_run_without(@ForAll long seed) {
        Graph graph = RandomGraphs.graph(new Random(seed), true);
        Simulation calm = run(graph, seed, 0, Duration.ofSeconds(2), false);
        Assume.that(calm.store.end != null);
        for (int crashes = 1; crashes <= 3; crashes++) {
            Simulation stormy = run(graph, seed, crashes, Duration.ofSeconds(2), false);
            assertThat(whyever(stormy)).isEqualTo(whyever(calm));
            assertThat(stormy.store.end).isEqualTo(calm.store.end);
            assertThat(outputs(stormy)).isEqualTo(outputs(calm));
        }
    }

    @Example
    void which_is_said_of_a_limit_that_was_over_and_a_race_that_was_lost_can_differ() {
        a_run_with_crashes_ends_as_the_run_without(-658805);
    }

    /** What the rows say, but for which of the two it was that ended what was under way. */
    private static Map<String, String> whyever(Simulation world) {
        return world.store.essence(false).entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, row -> row.getValue().replace("lost race", "timed out")));
    }

    @Property
    void so_does_a_run_whose_rows_are_marked_as_running_now_and_then(@ForAll long seed) {
        Graph graph = RandomGraphs.graph(new Random(seed), true);
        Simulation calm = run(graph, seed, 0, Duration.ofSeconds(2), false);
        Assume.that(calm.store.end != null);
        Simulation stormy = run(graph, seed, 1, Duration.ofSeconds(2), true);
        assertThat(stormy.store.end).isEqualTo(calm.store.end);
        calm.store.essence(true).forEach((node, row) -> {
            RowStore.Row marked = Objects.requireNonNull(stormy.store.rows.get(node));
            // A mark of a node that then lost its race replaces what an earlier round left.
            boolean isReplaced =
                    marked.status() == NodeStatus.RUNNING && ActivationId.fences(marked.stamp(), calm.stamp(node));
            // A limit that was over, and a race that was lost: which of the two is said first can differ.
            boolean isOver =
                    FailureCode.TIMEOUT.equals(calm.store.rows.get(node).code()) && marked.canceled() != null;
            if (!isReplaced && !isOver) {
                assertThat(stormy.store.essence(true)).containsEntry(node, row);
            }
        });
    }

    /** Pacing depends on the clock, so nothing here may depend on the order of completion. */
    @Property
    void so_does_a_run_that_must_wait_between_rounds(@ForAll long seed) {
        Graph graph = RandomGraphs.graph(new Random(seed), false);
        Simulation calm = run(graph, seed, 0, Duration.ofMillis(50), false);
        Assume.that(calm.store.end != null);
        Simulation stormy = run(graph, seed, 1, Duration.ofMillis(50), false);
        assertThat(nodes(stormy)).isEqualTo(nodes(calm));
        assertThat(undos(stormy)).containsExactlyInAnyOrderElementsOf(undos(calm));
        assertThat(stormy.store.end).isEqualTo(calm.store.end);
    }

    private static Map<String, String> nodes(Simulation world) {
        Map<String, String> rows = world.store.essence(false);
        rows.keySet().removeIf(Undo::isId);
        return rows;
    }

    /** Records of undos, without their numbers: those of two branches are numbered in the order in which they are registered. */
    private static List<String> undos(Simulation world) {
        return world.store.essence(false).entrySet().stream()
                .filter(row -> Undo.isId(row.getKey()))
                .map(row -> row.getValue().replaceAll(", \"order\": [0-9]+", ""))
                .toList();
    }

    private static Simulation run(Graph graph, long seed, int crashes, Duration pace, boolean marks) {
        Random chance = new Random(seed * 31 + crashes);
        Simulation world = new Simulation(graph);
        // A crash can cost a round that has not ended.
        int most = crashes > 0 ? 10 * MOST_EVENTS : MOST_EVENTS;
        for (int i = 0; i < most && world.store.end == null; i++) {
            assertThat(world.open).as("something is waited for").isNotEmpty();
            if (marks && chance.nextInt(3) == 0) {
                for (InstanceState.Unmarked mark : world.state.runningNodes()) {
                    world.store.mark(mark);
                    world.state.marked(mark.nodeId(), mark.stamp());
                }
                assertThat(world.state.runningNodes()).isEmpty();
            }
            world.after(pace);
            if (crashes > 0 && chance.nextInt(3) == 0) {
                if (chance.nextBoolean()) {
                    // decided, not committed
                    Instant earlier = world.now;
                    Event lost = next(new ArrayList<>(world.open.keySet()), world, seed, false);
                    Interpreter.decide(world.state, lost);
                    if (graph.nodes().stream()
                            .anyMatch(node -> node instanceof RetryNode || node instanceof LoopNode)) {
                        // An attempt or a round that no row shows begins anew, and must not meet a limit that is over
                        // by then.
                        world.now = earlier;
                    }
                }
                List<Effect> before = sorted(world);
                world.crash();
                List<Effect> after = sorted(world);
                boolean begins = Stream.concat(before.stream(), after.stream())
                        .anyMatch(effect -> isAttemptThatIsDue(world, effect) || isLimitThatIsOver(world, effect));
                if (pace.compareTo(Duration.ofSeconds(1)) >= 0 && !begins) {
                    assertThat(after).as("what is waited for after a crash").isEqualTo(before);
                }
                if (world.store.end != null) {
                    break; // the wait before a round was over, and what began then failed at once
                }
                world.after(pace);
            }
            Event event = next(new ArrayList<>(world.open.keySet()), world, seed, true);
            Decision first = Interpreter.decide(world.state, event);
            Decision again = Interpreter.decide(world.state.copy(), event);
            assertThat(again.checkpoint()).as("deciding changes nothing").isEqualTo(first.checkpoint());
            assertThat(again.effects()).isEqualTo(first.effects());
            Decision taken = world.happens(event);
            assertThat(taken.checkpoint()).isEqualTo(first.checkpoint());
            assertThat(taken.effects()).isEqualTo(first.effects());
            assertThat(Interpreter.decide(world.state, event).checkpoint().isEmpty())
                    .as("the same event twice")
                    .isTrue();
        }
        return world;
    }

    private static boolean isLimitThatIsOver(Simulation world, Effect effect) {
        return world.graph.node(effect.activation().nodeId()) instanceof TimeoutNode
                && effect instanceof Effect.StartTimer timer
                && !timer.at().isAfter(world.now);
    }

    /** Such an attempt or round begins before anything else happens. After a crash it begins anew, until a row shows that it has. */
    private static boolean isAttemptThatIsDue(Simulation world, @Nullable Effect effect) {
        return effect instanceof Effect.StartTimer timer
                && (world.graph.node(timer.activation().nodeId()) instanceof RetryNode
                        || world.graph.node(timer.activation().nodeId()) instanceof LoopNode)
                && !timer.at().isAfter(world.now);
    }

    /** Statements and wake times included; spans not, which count from the moment of a decision. */
    private static List<Effect> sorted(Simulation world) {
        return world.open.values().stream()
                // A look that is due is there as a look after a crash, and as its timer before.
                .filter(effect -> !(world.graph.node(effect.activation().nodeId()) instanceof ConditionWaitNode))
                .map(CrashProperties::withoutSpan)
                .sorted(Comparator.comparing(Effect::toString))
                .toList();
    }

    private static Effect withoutSpan(Effect effect) {
        if (effect instanceof Effect.StartTimer timer) {
            return new Effect.StartTimer(timer.activation(), timer.at(), null);
        }
        if (effect instanceof Effect.RunMap map) {
            // Items are written down as jsonb: the order of members means nothing.
            Result rows = new Result(ResultDocument.canonical(map.rows()), null);
            return new Effect.RunMap(map.activation(), map.plan(), rows, Map.of());
        }
        return effect instanceof Effect.AwaitSignal wait
                ? new Effect.AwaitSignal(wait.activation(), wait.name(), wait.deadline(), null)
                : effect;
    }

    private static List<@Nullable String> outputs(Simulation world) {
        return world.store.executions.stream()
                .map(next -> next.number() + " " + next.previousOutput())
                .toList();
    }

    /** What is waited for completes in an order of its own, whatever time it is. */
    private static Event next(List<Activation> open, Simulation world, long seed, boolean answer) {
        List<Activation> attempts = open.stream()
                .filter(activation -> isAttemptThatIsDue(world, world.open.get(activation)))
                .toList();
        Activation next = (attempts.isEmpty() ? open : attempts)
                .stream()
                        .min(Comparator.comparingLong(
                                activation -> dice(seed, activation).nextLong()))
                        .orElseThrow();
        Effect effect = Objects.requireNonNull(world.open.get(next));
        Random dice = dice(seed, next);
        dice.nextLong();
        boolean comes = effect instanceof Effect.AwaitSignal wait && (dice.nextBoolean() || wait.deadline() == null);
        Instant due = effect instanceof Effect.StartTimer timer
                ? timer.at()
                : effect instanceof Effect.AwaitSignal wait && !comes ? wait.deadline() : null;
        // A limit that is over by then is over before anything else, after a crash at once.
        Activation limit = firstLimit(open, world, due == null || due.isBefore(world.now) ? world.now : due);
        if (limit != null) {
            due = dueOf(world, limit);
            next = limit;
        }
        if (due != null && due.isAfter(world.now)) {
            world.now = due;
        }
        if (limit != null) {
            if (answer) {
                world.answer(limit.nodeId());
            }
            return new Event.TimerFired(limit, world.now);
        }
        if (answer) {
            world.answer(next.nodeId());
        }
        if (comes && world.graph.node(next.nodeId()) instanceof CallNode) {
            String end = dice.nextInt(3) == 0
                    ? "\"status\": \"failed\", \"error\": \"no\"}"
                    : "\"status\": \"completed\", \"result\": {\"rows\": [{\"vv\": 1.0}], \"row_count\": 1}, \"columns\": [[\"vv\", \"numeric\"]]}";
            return new Event.SignalReceived(
                    next, dice.nextLong(), "{\"child\": \"c0ffee00\", \"name\": \"n\", " + end, world.now);
        }
        if (comes && world.graph.node(next.nodeId()).isAssigned()) {
            String[] answers = {
                "{\"completed\": {\"vv\": 1.0}}",
                "{\"completed\": null}",
                "{\"failed\": \"no\", \"code\": \"corrupt\"}",
                "{\"failed\": \"no\", \"code\": \"22012\", \"final\": true}"
            };
            return new Event.SignalReceived(next, dice.nextLong() >>> 1, answers[dice.nextInt(4)], world.now);
        }
        if (comes) {
            return new Event.SignalReceived(next, dice.nextLong() >>> 1, "{\"vv\": 1.0, \"b\": \"it's\"}", world.now);
        }
        if (due != null) {
            return new Event.TimerFired(next, world.now);
        }
        if (world.graph.node(next.nodeId()) instanceof ConditionWaitNode) {
            return look(world, next);
        }
        if (dice.nextInt(12) == 0) {
            return world.failure(next, "failed at " + next, dice.nextBoolean() ? "40001" : "22012");
        }
        int value = dice.nextInt(3);
        String nested = "{\"zz\": 1.10, \"a\": [" + value + ",{\"y\":1,\"x\":\"it's\"}]}";
        return switch (world.graph.node(next.nodeId()) instanceof SqlNode sql
                        && sql.sql().endsWith("rows")
                ? 2
                : dice.nextInt(8)) {
            case 0 -> world.success(next, "{\"rows\":[],\"row_count\":0}", RandomGraphs.COLUMNS);
            case 1 -> world.success(next, "{\"status\":200,\"ok\":true,\"a\":" + nested + "}", null);
            default ->
                world.success(
                        next,
                        "{\"rows\":[{\"vv\":" + value + ",\"b\":\"t" + value + "\",\"a\":" + nested
                                + "},{\"vv\":7,\"b\":null,\"a\":null}],\"row_count\":2}",
                        RandomGraphs.COLUMNS);
        };
    }

    /** The second look finds it true. */
    private static Event look(Simulation world, Activation next) {
        RowStore.Row row = world.store.rows.get(next.nodeId());
        boolean isSecond = row != null && row.stamp().equals(next.stamp()) && row.wakeAt() != null;
        return world.success(next, "{\"rows\":[{\"vv\":" + isSecond + "}],\"row_count\":1}", "[[\"vv\",\"bool\"]]");
    }

    private static @Nullable Activation firstLimit(List<Activation> open, Simulation world, Instant until) {
        return open.stream()
                .filter(activation -> world.graph.node(activation.nodeId()) instanceof TimeoutNode
                        && !dueOf(world, activation).isAfter(until))
                .min(Comparator.comparing(activation -> dueOf(world, activation)))
                .orElse(null);
    }

    private static Instant dueOf(Simulation world, Activation timer) {
        return ((Effect.StartTimer) Objects.requireNonNull(world.open.get(timer))).at();
    }

    /** Another one for each activation: hash codes of nodes and stamps that count up are the same now and then. */
    private static Random dice(long seed, Activation activation) {
        UUID mixed = UUID.nameUUIDFromBytes(activation.toString().getBytes(StandardCharsets.UTF_8));
        return new Random(seed ^ mixed.getMostSignificantBits());
    }
}
