package dev.perdure.faults.ledger;

/**
 * Another instance, which leaves a row after a while, a wait that looks for that row, and a step that leaves one of its own. A look is no
 * effect, and nothing remembers how many there were: a crash in between only looks again.
 *
 * @param name unique in its workflow
 */
record ConditionStep(String name) implements Leaf {

    /** The rows that are waited for, for {@link LedgerTables}. */
    static final String TABLE = "CREATE TABLE app.flags (instance text, step text); GRANT SELECT, INSERT ON app.flags TO public;";

    @Override
    public String dsl() {
        return "('SELECT df.start(df.seq(df.sleep(1), ''INSERT INTO app.flags VALUES (''''{sys_instance_id}'''', ''''" + name
                + "'''')'')) AS id' |=> 'v_" + name + "' ~> df.wait_for_condition('SELECT count(*) > 0 FROM app.flags"
                + " WHERE instance = ''{sys_instance_id}'' AND step = ''" + name + "''', '100 ms') ~> "
                + new SqlStep(name, 0).dsl() + ")";
    }
}
