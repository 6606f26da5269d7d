package dev.perdure.faults.ledger;

/**
 * An approval that programs of both roles decide, as people would: one row, in the transaction of the decision. Several may decide at once, some
 * take their decision back, and the row is there once.
 *
 * @param name unique in its workflow
 */
record DecidedStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "df.approval('" + name + "?', '{" + LedgerTables.APP + "," + LedgerTables.ASYNC
                + "}', '{\"instance\": \"{sys_instance_id}\", \"step\": \"" + name + "\"}')";
    }
}
