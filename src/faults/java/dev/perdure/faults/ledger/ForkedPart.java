package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A workflow that fails in the middle. The starter forks it, with another statement in place of the one that fails: the fork runs that one
 * and what follows, once, and nothing of what had completed.
 */
record ForkedPart() implements Shape {

    private static final Shape BEFORE = Sequence.of(new SqlStep("s1", 0), new Join(new SqlStep("s2", 0.01), new SqlStep("s3", 0)));
    private static final FailingStep FAILING = new FailingStep("f4");
    private static final SqlStep MENDED = new SqlStep("s4", 0.01);
    private static final Shape AFTER = Sequence.of(new SqlStep("s5", 0.01), new SqlStep("s6", 0));

    private static final Shape FORK = Sequence.of(MENDED, AFTER);

    /** The call that forks an instance of it, whose id is the parameter. */
    static final String CALL = "SELECT df.fork(n.instance_id, replace => jsonb_build_object(n.id, " + MENDED.dsl()
            + ")) FROM df.nodes n WHERE n.instance_id = ? AND n.status = 'failed' AND strpos(n.query, 'WITH e AS') > 0";

    /** What a fork must have left. */
    static void checkFork(Effects effects, Findings findings) {
        FORK.check(Extent.DONE, 1, effects, findings);
        BEFORE.check(Extent.NEVER, 1, effects, findings);
        FAILING.check(Extent.NEVER, 1, effects, findings);
    }

    @Override
    public String dsl() {
        return Sequence.of(BEFORE, FAILING, AFTER).dsl();
    }

    @Override
    public boolean fails() {
        return true;
    }

    @Override
    public int width() {
        return BEFORE.width();
    }

    @Override
    public List<Shape> parts() {
        return List.of(BEFORE, FAILING, AFTER);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Sequence.of(BEFORE, FAILING, AFTER).check(extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return BEFORE.began(effects);
    }
}
