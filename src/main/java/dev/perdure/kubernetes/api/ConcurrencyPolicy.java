package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The policy for a run that is due while another one has not ended. */
public enum ConcurrencyPolicy {
    /** It is started. */
    @JsonProperty("Allow")
    ALLOW,
    /** It waits for the end of the other one. */
    @JsonProperty("Forbid")
    FORBID,
    /** The other one is deleted first. */
    @JsonProperty("Replace")
    REPLACE
}
