/** Installs schema {@code df} and brings it up to date, and refuses one that belongs to somebody else. */
@NullMarked
package dev.perdure.schema;

import org.jspecify.annotations.NullMarked;
