package dev.perdure.step.http;

/** Which hosts HTTP steps may call: {@code perdure.http.egress}. */
public enum EgressMode {
    /** None. */
    OFF,
    /** Those in {@code perdure.http.allow} only. */
    LISTED,
    /** Every public address, and those in {@code perdure.http.allow}. */
    PUBLIC
}
