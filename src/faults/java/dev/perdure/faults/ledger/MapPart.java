package dev.perdure.faults.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A map: each item leaves its rows once. Of one statement each, items share transactions; of two, with a pause between them, an item is found in
 * the middle after a crash.
 *
 * @param name unique in its workflow
 * @param items how many
 * @param isOneStatement whether an item is one statement
 */
record MapPart(String name, int items, boolean isOneStatement) implements Shape {

    private static final int AT_ONCE = 3;

    @Override
    public String dsl() {
        String body = isOneStatement ? insert("") : "(" + insert("") + " ~> df.sleep(0) ~> " + insert("z") + ")";
        return String.format(
                Locale.ROOT,
                "df.map('SELECT g FROM generate_series(1, %d) AS g', %s, max_concurrent => %d)",
                items,
                body,
                AT_ONCE);
    }

    private String insert(String suffix) {
        return "'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', ''" + name + "_{sys_ordinal}"
                + suffix + "'' FROM pg_sleep(0.002)'";
    }

    private List<String> steps() {
        List<String> steps = new ArrayList<>();
        for (int i = 1; i <= items; i++) {
            steps.add(name + "_" + i);
            if (!isOneStatement) {
                steps.add(name + "_" + i + "z");
            }
        }
        return steps;
    }

    @Override
    public boolean fails() {
        return false;
    }

    @Override
    public int width() {
        return AT_ONCE;
    }

    @Override
    public List<Shape> parts() {
        return List.of();
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        steps().forEach(step -> Once.check(step, extent, times, effects, findings));
    }

    @Override
    public boolean began(Effects effects) {
        return steps().stream().anyMatch(step -> effects.of(step) > 0);
    }
}
