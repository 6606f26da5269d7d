/**
 * The PostgreSQL protocol below the driver: what a server sends is measured and cut before the driver keeps it, and several
 * statements travel in one message. Nothing here knows steps, roles or schema {@code df}.
 */
@NullMarked
package dev.perdure.session.wire;

import org.jspecify.annotations.NullMarked;
