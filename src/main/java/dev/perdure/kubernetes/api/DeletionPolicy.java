package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The effect of deleting a resource on its instance. */
public enum DeletionPolicy {
    /** The instance is cancelled; the resource stays until it has ended. */
    @JsonProperty("Cancel")
    CANCEL,
    /** The instance goes on. */
    @JsonProperty("Orphan")
    ORPHAN
}
