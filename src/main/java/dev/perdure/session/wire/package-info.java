/**
 * The PostgreSQL protocol below the driver: the server's messages are measured and cut before the driver keeps them, and several statements
 * travel in one message. Nothing here knows steps, roles or schema {@code df}.
 */
@NullMarked
package dev.perdure.session.wire;

import org.jspecify.annotations.NullMarked;
