package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/** The phase of a workflow. */
public enum Phase {
    /** Not submitted, or not begun yet. */
    @JsonProperty("Pending")
    PENDING,
    @JsonProperty("Running")
    RUNNING,
    @JsonProperty("Succeeded")
    SUCCEEDED,
    /** It failed, or it was refused. */
    @JsonProperty("Failed")
    FAILED,
    @JsonProperty("Cancelled")
    CANCELLED;

    /** The phase of that name; null where somebody has written something else. */
    public static @Nullable Phase of(@Nullable String name) {
        for (Phase phase : values()) {
            if (phase.name().equalsIgnoreCase(name)) {
                return phase;
            }
        }
        return null;
    }

    /** Whether nothing follows. */
    public boolean isFinal() {
        return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
}
