package dev.perdure.faults;

/** Something that is tried in a world of its own. */
public interface Scenario {

    /** By which it is chosen: {@code -Dfaults.only=<name>}. */
    String name();

    /** What it shows, a sentence. */
    String promise();

    /**
     * Tries it.
     *
     * @throws Exception when the scenario itself cannot be carried out, which counts as a failure
     */
    Verdict run(Session session) throws Exception;
}
