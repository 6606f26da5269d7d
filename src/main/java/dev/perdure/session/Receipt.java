package dev.perdure.session;

/**
 * Names one run of one step, for its proof in another database.
 *
 * @param home oid of the database that holds schema df: one role can be served from several
 * @param stamp of the activation; attempts of it share the receipt
 */
public record Receipt(String home, String instance, String node, String stamp) {}
