/**
 * Results of nodes as documents: JSON in the form that {@code jsonb} gives it, row sets and their columns, truth. Nothing here knows nodes
 * or how a workflow runs.
 */
@NullMarked
package dev.perdure.flow.result;

import org.jspecify.annotations.NullMarked;
