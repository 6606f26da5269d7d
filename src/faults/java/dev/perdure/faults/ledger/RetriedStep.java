package dev.perdure.faults.ledger;

import java.util.List;

/**
 * One step that is retried: it writes its row and then fails every other time, by a sequence, which a rollback does not
 * turn back.
 *
 * @param name unique in its workflow
 */
record RetriedStep(String name) implements Shape {

    /** One half to the power of this is never. */
    private static final int ATTEMPTS = 60;

    @Override
    public String dsl() {
        return "df.retry('WITH e AS (INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING 1) SELECT 1 / (nextval(''app.coin'') % 2) FROM e', " + ATTEMPTS + ", '20 ms', 1)";
    }

    @Override
    public boolean fails() {
        return false;
    }

    @Override
    public int width() {
        return 1;
    }

    @Override
    public List<Shape> parts() {
        return List.of();
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(name, extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(name) > 0;
    }
}
