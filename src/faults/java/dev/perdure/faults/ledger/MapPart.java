package dev.perdure.faults.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A map: each item leaves its rows once, unless it is one of those that fail, whose last row is never there and which hold up no other. Of one
 * statement each, items share transactions; of two, with a pause between them, an item is found in the middle after a crash; a batch is several
 * items in one statement.
 *
 * @param name unique in its workflow
 * @param items how many
 * @param kind of its body
 * @param isFailing whether some items fail
 */
record MapPart(String name, int items, Kind kind, boolean isFailing) implements Shape {

    /** What runs for each item. */
    enum Kind {
        ONE_STATEMENT,
        TWO_STATEMENTS,
        BATCHES
    }

    private static final int AT_ONCE = 3;
    private static final int BATCH = 3;
    /** By zero where {@link #fails(int)}. */
    private static final String DIVIDES = "1 / ({sys_ordinal} % 2) = 1";

    @Override
    public String dsl() {
        String body =
                switch (kind) {
                    case ONE_STATEMENT -> insert("");
                    case TWO_STATEMENTS -> "(" + insert("") + " ~> df.sleep(0) ~> " + insert("z") + ")";
                    case BATCHES -> "'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', concat(''" + name
                            + "_'', g) FROM generate_series(1, " + items + ") AS g, pg_sleep(0.002) WHERE g = ANY($item)"
                            + (isFailing ? " AND " + DIVIDES : "") + "'";
                };
        return String.format(
                Locale.ROOT,
                "df.map('SELECT g FROM generate_series(1, %d) AS g', %s, max_concurrent => %d%s%s)",
                items,
                body,
                AT_ONCE,
                kind == Kind.BATCHES ? ", batch_size => " + BATCH : "",
                isFailing ? ", on_failure => 'continue'" : "");
    }

    private String insert(String suffix) {
        String failing = isFailing && (kind == Kind.ONE_STATEMENT || !suffix.isEmpty()) ? " WHERE " + DIVIDES : "";
        return "'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', ''" + name + "_{sys_ordinal}"
                + suffix + "'' FROM pg_sleep(0.002)" + failing + "'";
    }

    /** Items of even numbers, and of batches those whose first item has one. */
    private boolean fails(int item) {
        int first = kind == Kind.BATCHES ? (item - 1) / BATCH * BATCH + 1 : item;
        return isFailing && first % 2 == 0;
    }

    private List<String> steps(boolean failing) {
        List<String> steps = new ArrayList<>();
        for (int i = 1; i <= items; i++) {
            boolean isTwo = kind == Kind.TWO_STATEMENTS;
            if (isTwo && !failing) {
                steps.add(name + "_" + i);
            }
            if (fails(i) == failing) {
                steps.add(name + "_" + i + (isTwo ? "z" : ""));
            }
        }
        return steps;
    }

    @Override
    public int width() {
        return AT_ONCE;
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        steps(false).forEach(step -> Once.check(step, extent, times, effects, findings));
        steps(true).forEach(step -> Once.never(step, effects.of(step), findings));
    }

    @Override
    public boolean began(Effects effects) {
        return steps(false).stream().anyMatch(step -> effects.of(step) > 0);
    }
}
