package dev.perdure.faults.ledger;

/**
 * A branch on whether a named result has rows.
 *
 * @param name of the result, unique in its workflow
 * @param rows whether it has any
 * @param taken the branch that runs
 * @param other the one that must not
 */
record RowsChoice(String name, boolean rows, Shape taken, Shape other) implements TwoWays {

    @Override
    public String dsl() {
        Shape then = rows ? taken : other;
        Shape otherwise = rows ? other : taken;
        return "('SELECT 1 AS x WHERE " + rows + "' |=> 'q_" + name + "' ~> df.if_rows('q_" + name + "', " + then.dsl()
                + ", " + otherwise.dsl() + "))";
    }
}
