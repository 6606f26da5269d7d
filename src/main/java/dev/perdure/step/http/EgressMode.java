package dev.perdure.step.http;

/** Hosts that HTTP steps may call: {@code perdure.http.egress}. */
public enum EgressMode {
    /** None. */
    OFF,
    /** Those in {@code perdure.http.allow} only. */
    LISTED,
    /** Every public address, and those in {@code perdure.http.allow}. */
    PUBLIC
}
