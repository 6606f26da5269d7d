package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A child that leaves two rows under the name of its parent, with a pause between them, so that it is found in the middle after a crash: each
 * is there once, however often the parent, or the child, is taken over. A second child would be seen.
 *
 * @param name unique in its workflow
 */
record CalledPart(String name) implements Shape {

    /** The definition that it calls, for {@link LedgerTables}. */
    static final String DEFINE =
            """
            SELECT df.define('ledger_part',
                df.sql('INSERT INTO app.effects (instance, step) VALUES ($1, $2 || ''_1'')', '{into}', '{part}') ~> df.sleep(0)
                ~> df.sql('INSERT INTO app.effects (instance, step) VALUES ($1, $2 || ''_2'')', '{into}', '{part}'),
                '{"into": {"type": "text", "required": true}, "part": {"type": "text", "required": true}}');
            SELECT df.grant_definition('ledger_part', 'app_async');
            """;

    @Override
    public String dsl() {
        return "df.call('ledger_part', '{\"into\": \"{sys_instance_id}\", \"part\": \"" + name + "\"}')";
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(name + "_1", extent, times, effects, findings);
        Once.check(name + "_2", extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(name + "_1") > 0 || effects.of(name + "_2") > 0;
    }
}
