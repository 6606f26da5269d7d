package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * The stamp of a node row: the scope that the node ran in and that scope's generation (specification 5.1). Written
 * {@code <scope>::<generation>}; the root scope is the instance id, a child scope is {@code <parent scope>::<parent
 * generation>::<child root node id>}.
 *
 * @param scope the scope's path
 * @param generation from 1
 */
public record ActivationId(String scope, long generation) {

    private static final String SEPARATOR = "::";

    /** The first generation of an instance's root scope, in its first execution. */
    public static ActivationId root(String instanceId) {
        return root(instanceId, 1);
    }

    /** A generation of an instance's root scope. */
    public static ActivationId root(String instanceId, long generation) {
        return new ActivationId(instanceId, generation);
    }

    /** The first generation of the scope that a branch or loop of this scope opens. */
    public ActivationId child(String nodeId) {
        return new ActivationId(text() + SEPARATOR + nodeId, 1);
    }

    /** The same scope, one generation on. */
    public ActivationId next() {
        return new ActivationId(scope, generation + 1);
    }

    public String text() {
        return scope + SEPARATOR + generation;
    }

    /** Reads a stamp; null when the text is no stamp. */
    public static @Nullable ActivationId parse(@Nullable String text) {
        if (text == null || !isValid(text)) {
            return null;
        }
        int cut = text.lastIndexOf(SEPARATOR);
        return new ActivationId(text.substring(0, cut), Long.parseLong(text.substring(cut + SEPARATOR.length())));
    }

    /** The generation of the root scope that a stamp belongs to; 1 where there is none. */
    public static long rootGeneration(@Nullable String stamp) {
        return stamp == null || !isValid(stamp) ? 1 : Long.parseLong(stamp.split(SEPARATOR, 3)[1]);
    }

    /** An odd number of scope tokens plus a generation; generations numeric, no empty node id. */
    public static boolean isValid(String text) {
        String[] tokens = text.split(SEPARATOR, -1);
        if (tokens.length % 2 != 0) {
            return false;
        }
        for (int i = 1; i < tokens.length; i++) {
            if (i % 2 == 1 ? !isGeneration(tokens[i]) : tokens[i].isEmpty()) {
                return false;
            }
        }
        return true;
    }

    /**
     * The write fence: whether a row with the stamp {@code present} proves a writer with {@code incoming} obsolete. A stamp that cannot be
     * read never fences.
     */
    public static boolean fences(@Nullable String present, @Nullable String incoming) {
        if (present == null || incoming == null || !isValid(present) || !isValid(incoming)) {
            return false;
        }
        String[] have = present.split(SEPARATOR, -1);
        String[] come = incoming.split(SEPARATOR, -1);
        for (int i = 1; i < have.length && i < come.length; i++) {
            if (i % 2 == 0) {
                if (!have[i].equals(come[i])) {
                    return false;
                }
            } else {
                int order = Long.compare(Long.parseLong(come[i]), Long.parseLong(have[i]));
                if (order != 0) {
                    return order < 0;
                }
            }
        }
        return false;
    }

    /** At most 18 digits, so that it fits a bigint. */
    private static boolean isGeneration(String token) {
        if (token.isEmpty() || token.length() > 18) {
            return false;
        }
        return token.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    @Override
    public String toString() {
        return text();
    }
}
