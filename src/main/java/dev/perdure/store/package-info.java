/**
 * Access to the rows of schema {@code df}: loads instances, writes checkpoints, submits workflows. Nothing here decides the next step of a
 * workflow.
 */
@NullMarked
package dev.perdure.store;

import org.jspecify.annotations.NullMarked;
