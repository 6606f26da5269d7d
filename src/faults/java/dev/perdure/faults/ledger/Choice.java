package dev.perdure.faults.ledger;

/**
 * A condition that is always true or always false.
 *
 * @param taken the branch that runs
 * @param other the one that must not
 */
record Choice(boolean condition, Shape taken, Shape other) implements TwoWays {

    @Override
    public String dsl() {
        Shape then = condition ? taken : other;
        Shape otherwise = condition ? other : taken;
        return "df.if('SELECT " + condition + "', " + then.dsl() + ", " + otherwise.dsl() + ")";
    }
}
