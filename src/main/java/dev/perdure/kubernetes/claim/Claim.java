package dev.perdure.kubernetes.claim;

import org.jspecify.annotations.Nullable;

/**
 * The owner of a namespace's resources that name this worker.
 *
 * @param problem in a sentence, what is to be said where they are not ours; null while it is only not known yet
 * @param isRefused whether it cannot be known because the API server refuses to tell
 */
public record Claim(State state, @Nullable String problem, boolean isRefused) {

    /** As far as it is known. */
    public enum State {
        UNKNOWN,
        /** This worker's database has them. */
        OURS,
        /** Another database has them: a worker of the same name is connected to it, or was. */
        OTHERS
    }

    static final Claim OURS = new Claim(State.OURS, null, false);
    static final Claim NOT_ASKED = new Claim(State.UNKNOWN, null, false);

    static Claim unknown(String problem, boolean refused) {
        return new Claim(State.UNKNOWN, problem, refused);
    }

    static Claim others(String problem) {
        return new Claim(State.OTHERS, problem, false);
    }
}
