package dev.perdure.faults.ledger;

/**
 * One step that is retried: it writes its row and then fails every other time, by a sequence, which a rollback does not
 * turn back.
 *
 * @param name unique in its workflow
 */
record RetriedStep(String name) implements Leaf {

    /** One half to the power of this is never. */
    private static final int ATTEMPTS = 60;

    @Override
    public String dsl() {
        return "df.retry('WITH e AS (INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING 1) SELECT 1 / (nextval(''app.coin'') % 2) FROM e', " + ATTEMPTS + ", '20 ms', 1)";
    }
}
