package dev.perdure.store;

/**
 * Permission for a submitter's session to write one checkpoint, and nothing else.
 *
 * @param token a MAC over term, instance, version, submitter and both texts
 * @param receipt what only {@code df.checkpoint} can answer to the token
 */
public record Authorisation(byte[] token, String receipt) {}
