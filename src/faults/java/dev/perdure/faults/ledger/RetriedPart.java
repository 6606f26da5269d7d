package dev.perdure.faults.ledger;

import java.util.List;

/**
 * Two steps that are retried together. The first one leaves a row for each attempt; the second one, after it has written
 * its own row, fails for as long as there are too few of those. So the rows tell how many attempts there were: neither a
 * crash nor a take-over may use one up or give one more.
 *
 * @param name of the second step, unique in its workflow
 * @param tries of the first step, unique in its workflow
 * @param failures how many attempts fail
 * @param attempts how many there may be
 */
record RetriedPart(String name, String tries, int failures, int attempts) implements Shape {

    @Override
    public String dsl() {
        return "df.retry((" + new SqlStep(tries, 0).dsl()
                + " ~> 'WITH e AS (INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING 1) SELECT 1 / (SELECT (count(*) > " + failures
                + ")::int FROM app.effects WHERE instance = ''{sys_instance_id}'' AND step = ''" + tries
                + "'') FROM e'), " + attempts + ", '20 ms', 1)";
    }

    @Override
    public boolean fails() {
        return failures >= attempts;
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        if (fails()) {
            Once.check(tries, extent, attempts, effects, findings);
            Once.never(name, effects.of(name), findings);
        } else {
            // In a loop, the rows of earlier rounds are counted as well: later rounds do not fail.
            Once.check(tries, extent, failures + times, effects, findings);
            Once.check(name, extent, times, effects, findings);
        }
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(tries) > 0;
    }
}
