package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Where a workflow is. */
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

    /** Whether nothing follows. */
    public boolean isFinal() {
        return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
}
