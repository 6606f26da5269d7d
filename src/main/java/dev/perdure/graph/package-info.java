/**
 * Model of a workflow: the node types, the {@link dev.perdure.graph.Graph} and how it is read from rows of
 * {@code df.nodes}. Nothing here knows how a workflow runs, and nothing here performs I/O.
 */
@NullMarked
package dev.perdure.graph;

import org.jspecify.annotations.NullMarked;
