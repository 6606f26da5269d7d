/**
 * Connections to PostgreSQL: the URL, TLS, sockets, passwords of the owner, the identity of a server, the meaning of errors. Nothing here
 * knows schema {@code df}.
 */
@NullMarked
package dev.perdure.database;

import org.jspecify.annotations.NullMarked;
