/** Tests of the ports' PostgreSQL side, on a real server. */
@NullMarked
package dev.perdure.store;

import org.jspecify.annotations.NullMarked;
