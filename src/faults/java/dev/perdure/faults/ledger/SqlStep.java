package dev.perdure.faults.ledger;

import java.util.Locale;

/**
 * A statement that leaves one row, in one transaction with its checkpoint.
 *
 * @param name unique in its workflow
 * @param seconds how long it takes
 */
record SqlStep(String name, double seconds) implements Leaf {

    @Override
    public String dsl() {
        return String.format(
                Locale.ROOT,
                "'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', ''%s'' FROM pg_sleep(%.3f)'",
                name,
                seconds);
    }
}
