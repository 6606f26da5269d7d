/**
 * Reconciles one resource: submits, observes, cancels, deletes, creates the runs of schedules, and reports failures in conditions, events
 * and the log. Each resource by itself: whatever happens with one ends there.
 */
@NullMarked
package dev.perdure.kubernetes.reconcile;

import org.jspecify.annotations.NullMarked;
