package dev.perdure.session;

/**
 * The name of one run of one step, for its receipt in another database.
 *
 * @param home oid of the database that holds schema df: one role can be served from several
 * @param stamp of the activation; attempts of it share the receipt
 */
public record Receipt(String home, String instance, String node, String stamp) {}
