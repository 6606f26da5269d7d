package dev.perdure.flow;

/** The row of a node, as memory knows it. */
record KnownRow(String stamp, NodeStatus status) {}
