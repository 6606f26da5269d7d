package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * The server's remarks on a statement that failed, beside its message and DETAIL.
 *
 * @param hint its HINT
 * @param position of the error in the statement as it was executed, from 1, in characters; 0 when there is none
 */
public record Remark(@Nullable String hint, int position) {

    public static final Remark NONE = new Remark(null, 0);
}
