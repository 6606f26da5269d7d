package dev.perdure.faults.ledger;

/**
 * A step that fails until what it needs is there. The starter puts it there and redrives the instance, in one transaction that is rolled
 * back now and then; and it cancels the instance before, now and then, and redrives it at once. What had completed must not happen again,
 * and the step itself once.
 *
 * @param name unique in its workflow
 */
record MendedStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "'WITH e AS (INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING 1) SELECT 1 / (SELECT count(*) FROM app.mended m WHERE m.instance = ''{sys_instance_id}'')"
                + " FROM e'";
    }

    /** Whether a workflow has such a step. */
    static boolean isIn(Shape shape) {
        boolean[] found = new boolean[1];
        shape.visit(part -> found[0] |= part instanceof MendedStep);
        return found[0];
    }
}
