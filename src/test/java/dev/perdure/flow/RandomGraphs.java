package dev.perdure.flow;

import dev.perdure.graph.Graph;
import dev.perdure.graph.GraphDraft;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Random workflows of all node types, with names that collide and statements that refer to them. */
final class RandomGraphs {

    /** The order of the query is not the order that jsonb keeps. */
    static final String COLUMNS = "[[\"vv\",\"int4\"],[\"b\",\"text\"],[\"a\",\"jsonb\"]]";

    private static final String[] NAMES = {"r", "ra", "s"};

    private static final @Nullable String[] KEYS = {null, "k", "$r", "$r.vv", "<$s?>"};

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
        int kind = random.nextInt(depth == 0 ? 4 : 27);
        kind = depth > 2 && kind < 4 ? 4 + random.nextInt(23) : kind;
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
            case 8, 9 -> loop(node(depth - 1), leaf());
            case 10 -> loop(draft.then(node(depth - 1), draft.when(leaf(), leave(), node(0))), null);
            case 11 ->
                random.nextBoolean()
                        ? draft.join(node(depth - 1), node(depth - 1))
                        : draft.join(node(depth - 1), node(depth - 1), node(depth - 1));
            case 12, 13 -> draft.retry(node(depth - 1), 1 + random.nextInt(3), random.nextInt(3) == 0 ? "40" : null);
            case 14, 15 -> draft.guarded(node(depth - 1), handler(depth - 1), random.nextInt(3) == 0 ? "\"40\"" : null);
            case 16, 17 -> races ? limited(depth) : draft.then(node(depth - 1), node(depth - 1));
            case 18 -> draft.map(random.nextBoolean() ? node(depth - 1) : draft.sql("SELECT $r?"), leaf());
            case 19, 20, 21 -> saga(depth);
            case 22, 23 -> draft.section(node(depth - 1), "q", KEYS[random.nextInt(KEYS.length)]);
            default ->
                races ? draft.race(node(depth - 1), node(depth - 1)) : draft.join(node(depth - 1), node(depth - 1));
        };
    }

    /** With the usual pace, without any, or with another. Where branches race, one that never waits for longer than a step takes. */
    private String loop(String body, @Nullable String condition) {
        long[] paces = {0, 0, 500, races ? 1 : 5_000};
        if (random.nextInt(6) == 0) {
            return draft.lasting(body, condition);
        }
        int pace = random.nextInt(8);
        if (pace < paces.length) {
            return draft.paced(body, condition, paces[pace]);
        }
        return condition == null ? draft.loop(body) : draft.loop(body, condition);
    }

    /** An undo has no undos; one in two is given up now and then. */
    private String saga(int depth) {
        String register = random.nextBoolean() ? "after" : "before";
        String undo =
                draft.retry(random.nextInt(3) == 0 ? draft.then(leaf(), leaf()) : leaf(), 1 + random.nextInt(2), null);
        String undone = draft.withUndo(node(depth - 1), undo, register);
        return switch (random.nextInt(4)) {
            case 0 -> draft.saga(undone);
            case 1 -> undone;
            default -> draft.saga(draft.then(undone, node(depth - 1)));
        };
    }

    /** The time is over when its timer is chosen, and not by the way: it is longer than everything else, and no two are the same. */
    private String limited(int depth) {
        // Attempts and rounds add up: odd numbers of minutes, half of one apart from what the calendar means.
        long minutes = 150_000 + random.nextInt(5_000_000);
        return draft.limited(node(depth - 1), minutes * 60_000 + 30_000, random.nextBoolean() ? null : node(depth - 1));
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
        return switch (random.nextInt(9)) {
            case 7 ->
                draft.leaf(
                        "ACTIVITY",
                        "{\"kind\":\"k\",\"payload\":\"{\\\"a\\\": $r?}\",\"lease_ms\":60000,\"max_attempts\":3}");
            case 8 ->
                draft.leaf(
                        "APPROVAL",
                        "{\"title\":\"Go?\",\"assignees\":[\"boss\"],\"payload\":null,\"quorum\":1,\"not_submitter\":false}");
            case 5 ->
                draft.leaf(
                        "WAIT_EVENT",
                        "{\"instance_id\":\"" + (random.nextBoolean() ? "$r?" : "e1e1e1e1")
                                + "\",\"event_name\":\"said\"" + timeouts[random.nextInt(3)] + "}");
            case 6 -> draft.leaf("CALL", "{\"name\":\"n\",\"args\":{\"a\":\"$r?\"},\"version\":null}");
            case 4 -> draft.leaf("WAIT_CONDITION", "{\"query\":\"SELECT true\",\"every_ms\":2500}");
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
