package dev.perdure.faults.ledger;

/**
 * Another instance, which publishes after a while, a wait for that, in which nothing of this instance is awake, and a step that leaves a
 * row for each time that it was published. A wake-up that is lost leaves an instance that does not end.
 *
 * @param name of the step, unique in its workflow, and of the event
 */
record PublishedStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "('SELECT df.start(df.seq(df.sleep(1), ''SELECT df.publish(''''" + name
                + "'''', ''''1'''')'')) AS id' |=> 'p_" + name + "' ~> df.wait_for_event('$p_" + name + ".id', '" + name
                + "') ~> 'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', name FROM df.events($p_" + name
                + ".id)')";
    }
}
