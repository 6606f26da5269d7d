/**
 * Access to the API server: requests, a list and a watch for each kind in each namespace, and the queue of resources to reconcile. Knows
 * neither the database nor who leads, and reads resources as plain JSON, so that there is nothing that it cannot read.
 */
@NullMarked
package dev.perdure.kubernetes.watch;

import org.jspecify.annotations.NullMarked;
