package dev.perdure.faults.ledger;

/**
 * A request to the service, whose answer is its name, which the next step writes. The request arrives at least once, and
 * however often it is sent, by whichever worker and attempt, it carries one key.
 *
 * @param name unique in its workflow
 * @param service where the service is, {@code http://host:port}
 * @param failures how often the service answers with 503 before it does what it is asked for; these are retried
 */
record HttpStep(String name, String service, int failures) implements Leaf {

    @Override
    public String dsl() {
        String request = "df.http('" + service + "/" + failures + "/{sys_instance_id}/" + name
                + "', 'POST', 'x', NULL, 120)";
        String retried = failures == 0 ? request : "df.retry(" + request + ", " + (failures + 1) + ", '20 ms', 1)";
        return "(" + retried + " |=> 'h_" + name
                + "' ~> 'INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', $h_" + name
                + ".body)')";
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(name, extent, times, effects, findings);
        int keys = effects.keys(name).size();
        // Who is redriven sends again what was not answered, as another request.
        int allowed = extent == Extent.NEVER ? 0 : effects.isRedriven() ? Integer.MAX_VALUE : times;
        if (extent == Extent.NEVER && keys > 0) {
            findings.add(Violation.Kind.UNEXPECTED, "the request of " + name + " was sent and must not have been");
        } else if (keys > allowed) {
            findings.add(
                    Violation.Kind.IDEMPOTENCY_KEY,
                    name + " ran " + allowed + " times and was sent with the keys " + effects.keys(name));
        } else if (extent == Extent.DONE && keys < times) {
            findings.add(
                    Violation.Kind.MISSING, "the request of " + name + " arrived " + keys + " of " + times + " times");
        }
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(name) > 0 || !effects.keys(name).isEmpty();
    }
}
