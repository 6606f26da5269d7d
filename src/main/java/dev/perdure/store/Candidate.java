package dev.perdure.store;

/**
 * An instance that is to be loaded.
 *
 * @param role oid of its submitter, by which memory is shared; 0 when it is not known
 */
public record Candidate(String id, long role) {}
