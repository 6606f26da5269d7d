package dev.perdure.faults.ledger;

/**
 * A step that programs do, beside the workers: one row, in the transaction in which the program completes it. The programs die, hang and come
 * back late, and the row is there once.
 *
 * @param name unique in its workflow
 */
record ActivityStep(String name) implements Leaf {

    /** What the programs claim. */
    static final String KIND = "ledger's \"step\"";

    /** Roles whose programs claim what others submit. */
    static final String GRANT = "SELECT df.grant_activity('" + KIND.replace("'", "''") + "', 'app_async')";

    @Override
    public String dsl() {
        return "df.activity('" + KIND.replace("'", "''") + "', '{\"instance\": \"{sys_instance_id}\", \"step\": \"" + name
                + "\"}', '2 seconds', 100000)";
    }
}
