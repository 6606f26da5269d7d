package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * The permitted places of SAGA and WITH_UNDO, as {@code df._saga_problem} has them: an undo is not undone itself and has no
 * items, and items of a map undo nothing. A WITH_UNDO without a SAGA around it, which only who writes nodes by hand can make,
 * is a step like any other.
 */
final class SagaPlaces {

    private SagaPlaces() {}

    /** The problem with the place of a node; null when there is none. */
    static @Nullable String problem(Graph graph, Node node) {
        boolean isMap = node instanceof MapNode;
        if (!(isMap || node instanceof SagaNode || node instanceof UndoNode)) {
            return null;
        }
        Node below = node;
        for (Node above = graph.parent(node.id()); above != null; above = graph.parent(above.id())) {
            if (above instanceof UndoNode undo && below.id().equals(undo.undo())) {
                return isMap
                        ? "MAP in an undo is not supported: a cancel would reach its items"
                        : node.type() + " in an undo: what undoes a step is not undone itself";
            }
            if (!isMap && above instanceof MapNode map && below.id().equals(map.body())) {
                return node.type() + " in what a MAP does for each item is not supported";
            }
            below = above;
        }
        return null;
    }
}
