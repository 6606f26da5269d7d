/** The operator against a real API server and a real PostgreSQL. */
@NullMarked
package dev.perdure.kubernetes.reconcile;

import org.jspecify.annotations.NullMarked;
