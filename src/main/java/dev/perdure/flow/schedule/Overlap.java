package dev.perdure.flow.schedule;

import java.util.Locale;

/** The policy for a planned time at which an earlier run has not ended. */
public enum Overlap {
    /** The planned time is left out. {@code Forbid} of a DurableSchedule. */
    SKIP,
    /** One run waits for the end of the other, further ones are left out. */
    BUFFER,
    /** The other run is cancelled, and this one begins when it has ended. {@code Replace} of a DurableSchedule. */
    CANCEL_OTHER,
    /** Both run. {@code Allow} of a DurableSchedule. */
    ALLOW;

    /** As the tables spell it. */
    public static Overlap of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }

    /** Whether a run may not begin while another one has not ended. */
    public boolean isExclusive() {
        return this != ALLOW;
    }

    /** Whether the others are ended for it. */
    public boolean endsOthers() {
        return this == CANCEL_OTHER;
    }
}
