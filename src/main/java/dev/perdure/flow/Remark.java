package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * Remarks on a failure, beside its message and DETAIL.
 *
 * @param hint the server's HINT
 * @param position of the error in the statement as it was executed, from 1, in characters; 0 when there is none
 * @param step of a map the step at which its item has failed, see {@link FailedStep#text()}; null for others
 */
public record Remark(@Nullable String hint, int position, @Nullable String step) {

    public static final Remark NONE = new Remark(null, 0);

    /** The server's remarks on a statement. */
    public Remark(@Nullable String hint, int position) {
        this(hint, position, null);
    }

    /** The same failure, as that of the map around it. */
    public Remark of(FailedStep failed) {
        return new Remark(hint, position, failed.text());
    }
}
