package dev.perdure.attacks;

import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** What a role can do to a worker, with no more rights than it has. One class each, listed in {@link AttackSuite}. */
public interface Attack {

    /** By which it is chosen: {@code -Dattacks.only=<name>}. */
    String name();

    /** What it does, a sentence. */
    String does();

    /**
     * Does it. Returns as soon as it has: what it has opened stays open until the victim was measured, and who leads next meets it, too.
     *
     * @return what was done, in numbers
     * @throws SQLException when it cannot be carried out; refusals that are meant to be are part of what is returned
     */
    String carryOut(Attackers attackers) throws SQLException;

    /** Whether it is a worker that starts which it is meant for, and not only one that takes over. */
    default boolean isAimedAtStarts() {
        return false;
    }

    /** How many times as long as others it is kept up beside the leader that it meets. */
    default int holds() {
        return 1;
    }
}
