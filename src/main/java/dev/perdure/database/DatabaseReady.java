package dev.perdure.database;

/**
 * Fired once for each database, as a CDI event on a thread that may block: the database answers and its schema {@code df} is of this version.
 * Who needs the database begins here and not at the start of the application.
 *
 * @param name which of the worker's databases it is
 * @param url how the worker reaches it
 */
public record DatabaseReady(String name, DatabaseUrl url) {}
