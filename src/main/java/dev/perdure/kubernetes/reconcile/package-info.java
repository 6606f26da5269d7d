/**
 * Reconciles one resource: submits, observes, cancels, deletes, creates the runs of schedules, and says in conditions,
 * events and the log what cannot be done. Each resource by itself: whatever happens with one ends there.
 */
@NullMarked
package dev.perdure.kubernetes.reconcile;

import org.jspecify.annotations.NullMarked;
