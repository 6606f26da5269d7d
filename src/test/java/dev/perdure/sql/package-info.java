/** Tests of the functions in schema {@code df}, without a worker. */
@NullMarked
package dev.perdure.sql;

import org.jspecify.annotations.NullMarked;
