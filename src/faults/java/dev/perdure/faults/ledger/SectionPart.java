package dev.perdure.faults.ledger;

import java.util.List;

/**
 * Two steps in a slot of a queue that all workflows share, whose key is the result of a step before it. By the times of its rows {@link
 * Checker} counts how many held a slot at any moment, and how many began in a second.
 *
 * @param name unique in its workflow
 * @param key a or b
 * @param seconds how long the first of its steps takes
 */
record SectionPart(String name, String key, double seconds) implements Shape {

    /** What its rows begin with; then come a number, the key, and which of the steps it was. */
    static final String PREFIX = "u";

    /** At most so many at once, of each key, and in a second. */
    static final int CONCURRENCY = 6;

    static final int OF_A_KEY = 4;
    static final int RATE = 15;

    /** The queue, for {@link LedgerTables}. */
    static final String QUEUE = "SELECT df.create_queue('narrow', concurrency => " + CONCURRENCY
            + ", concurrency_per_key => " + OF_A_KEY + ", rate => " + RATE + ", per => '1 second'),"
            + " df.grant_queue('narrow', 'app_async');";

    private SqlStep step(int number) {
        return new SqlStep(name + key + "_" + number, number == 1 ? seconds : 0);
    }

    @Override
    public String dsl() {
        return "('SELECT ''" + key + "'' AS k' |=> 'g_" + name + "' ~> df.with_queue(" + step(1).dsl() + " ~> "
                + step(2).dsl() + ", 'narrow', '$g_" + name + ".k'))";
    }

    @Override
    public List<Shape> parts() {
        return List.of(step(1), step(2));
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(step(1).name(), extent, times, effects, findings);
        Once.check(step(2).name(), extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return step(1).began(effects) || step(2).began(effects);
    }
}
