/**
 * Preparation of a database for a worker: roles, rights, lines for {@code pg_hba.conf} and {@code pg_ident.conf}; and how
 * all of it is taken away again. Whether it works is looked at by the doctor.
 */
@NullMarked
package dev.perdure.setup;

import org.jspecify.annotations.NullMarked;
