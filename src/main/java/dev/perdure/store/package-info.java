/**
 * Access to the rows of schema {@code df}: loading instances, writing checkpoints, submitting workflows. Nothing here decides
 * what a workflow does next.
 */
@NullMarked
package dev.perdure.store;

import org.jspecify.annotations.NullMarked;
