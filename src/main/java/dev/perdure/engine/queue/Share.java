package dev.perdure.engine.queue;

/**
 * The one rule by which roles share a scarce resource: at most half of the part that the other roles leave, rounded up. However much one
 * role wants, there is something for the next one.
 */
final class Share {

    private Share() {}

    /**
     * The share of a role in all.
     *
     * @param total there is of it
     * @param others what the other roles have
     */
    static long of(long total, long others) {
        return (Math.max(0, total - others) + 1) / 2;
    }
}
