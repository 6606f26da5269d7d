package dev.perdure.flow;

/** What memory knows of a node's row. */
record RowFact(String stamp, NodeStatus status) {}
