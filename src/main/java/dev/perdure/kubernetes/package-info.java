/**
 * The operator's life: watching, reconciling, its own status. The rooms below do the work: {@code watch} knows the API server, {@code
 * submit} the database, {@code reconcile} what is done about a resource, {@code manifest} what it means.
 */
@NullMarked
package dev.perdure.kubernetes;

import org.jspecify.annotations.NullMarked;
