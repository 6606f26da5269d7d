/**
 * Connections to PostgreSQL: the URL, TLS, sockets, passwords of the owner, the identity of a server, what an
 * error means. Nothing here knows schema {@code df}.
 */
@NullMarked
package dev.perdure.database;

import org.jspecify.annotations.NullMarked;
