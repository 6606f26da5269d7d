/** Retention and counting against a real PostgreSQL. */
@NullMarked
package dev.perdure.maintenance;

import org.jspecify.annotations.NullMarked;
