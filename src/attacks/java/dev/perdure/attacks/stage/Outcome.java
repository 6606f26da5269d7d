package dev.perdure.attacks.stage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What came of an attack.
 *
 * @param done what was done, in numbers
 * @param phases how the victim was served
 * @param memory the most that the worker's process had
 * @param wrong what else must not be
 */
public record Outcome(String done, List<Phase> phases, String memory, List<String> wrong) {

    /**
     * How the victim was served for a while.
     *
     * @param limit so long each service may take
     */
    public record Phase(String name, List<Watch.Measured> measured, Duration limit) {

        @Override
        public String toString() {
            return name + ": "
                    + measured.stream()
                            .map(one -> one.kind() + " " + one.slowestMillis())
                            .collect(Collectors.joining(", "))
                    + " ms";
        }
    }

    /** Everything that must not be; empty: the attack is harmless. */
    public List<String> violations() {
        List<String> violations = new ArrayList<>(wrong);
        for (Phase phase : phases) {
            for (Watch.Measured one : phase.measured()) {
                if (one.slowestMillis() > phase.limit().toMillis()) {
                    violations.add(phase.name() + ": " + one.kind() + " took " + one.slowestMillis() + " ms");
                } else if (one.served() == 0) {
                    violations.add(phase.name() + ": " + one.kind() + " was not served once");
                }
                one.wrong().forEach(text -> violations.add(phase.name() + ": " + text));
            }
        }
        return violations;
    }
}
