package dev.perdure.flow;

import dev.perdure.graph.Graph;
import dev.perdure.graph.GraphDraft;
import java.util.Random;

/** Random workflows of all node types, with names that collide and statements that refer to them. */
final class RandomGraphs {

    /** The order of the query is not the order that jsonb keeps. */
    static final String COLUMNS = "[[\"vv\",\"int4\"],[\"b\",\"text\"],[\"a\",\"jsonb\"]]";

    private static final String[] NAMES = {"r", "ra", "s"};

    private final Random random;
    private final GraphDraft draft = new GraphDraft();
    private final boolean races;

    private RandomGraphs(Random random, boolean races) {
        this.random = random;
        this.races = races;
    }

    static Graph graph(Random random, boolean races) {
        RandomGraphs graphs = new RandomGraphs(random, races);
        return graphs.draft.graph(graphs.node(3 + random.nextInt(3)));
    }

    private String node(int depth) {
        String id = unnamed(depth);
        return random.nextInt(3) == 0 ? draft.as(id, NAMES[random.nextInt(NAMES.length)]) : id;
    }

    private String unnamed(int depth) {
        int kind = random.nextInt(depth == 0 ? 4 : 19);
        kind = depth > 2 && kind < 4 ? 4 + random.nextInt(15) : kind;
        return switch (kind) {
            case 0, 1, 2 -> leaf();
            case 3 -> waiting();
            case 4, 5 -> draft.then(node(depth - 1), node(depth - 1));
            case 6 -> draft.when(node(depth - 1), node(depth - 1), node(depth - 1));
            case 7 -> {
                String name = NAMES[random.nextInt(3)];
                yield draft.then(
                        draft.as(draft.sql("SELECT rows"), name),
                        draft.whenRows(name, node(depth - 1), node(depth - 1)));
            }
            case 8, 9 -> draft.loop(node(depth - 1), leaf());
            case 10 -> draft.loop(draft.then(node(depth - 1), draft.when(leaf(), leave(), node(0))));
            case 11 ->
                random.nextBoolean()
                        ? draft.join(node(depth - 1), node(depth - 1))
                        : draft.join(node(depth - 1), node(depth - 1), node(depth - 1));
            case 12, 13 -> draft.retry(node(depth - 1), 1 + random.nextInt(3), random.nextInt(3) == 0 ? "40" : null);
            case 14, 15 -> draft.guarded(node(depth - 1), handler(depth - 1), random.nextInt(3) == 0 ? "\"40\"" : null);
            default ->
                races ? draft.race(node(depth - 1), node(depth - 1)) : draft.join(node(depth - 1), node(depth - 1));
        };
    }

    /** Everything that is known of a failure must be the same after a crash. */
    private String handler(int depth) {
        String[] columns = {"message", "code", "node", "detail"};
        String told = draft.sql("SELECT $error." + columns[random.nextInt(4)]);
        return random.nextBoolean() ? told : draft.then(told, node(depth));
    }

    private String leaf() {
        if (random.nextInt(40) == 0) {
            return leave();
        }
        String name = "$" + NAMES[random.nextInt(NAMES.length)];
        String[] forms = {name + "?", name + ".a?", "ANY(" + name + ")", "1", name + ".*", name + ".vv"};
        if (random.nextInt(8) == 0) {
            return draft.sql("SELECT $1, $2", name + "?", "<" + name + ".a?>");
        }
        return draft.sql("SELECT " + forms[random.nextInt(random.nextInt(6) == 0 ? 6 : 4)]);
    }

    private String waiting() {
        String[] timeouts = {"", ",\"timeout_seconds\":null", ",\"timeout_seconds\":3"};
        String[] schedules = {"* * * * *", "30 2 * * *", "0 0 30 2 *"};
        return switch (random.nextInt(4)) {
            case 0 -> draft.leaf("SIGNAL", "{\"signal_name\":\"go\"" + timeouts[random.nextInt(3)] + "}");
            case 1 ->
                draft.leaf(
                        "WAIT_SCHEDULE",
                        "{\"cron_expr\":\"" + schedules[random.nextInt(3)] + "\",\"timezone\":\"Europe/Berlin\"}");
            default -> draft.sleep(String.valueOf(random.nextInt(4)));
        };
    }

    private String leave() {
        String[] values = {null, "done", "$r?", "[1.50, 2]"};
        return draft.leave(values[random.nextInt(values.length)]);
    }
}
