package dev.perdure.flow;

/** What memory knows of a node's row. */
record KnownRow(String stamp, NodeStatus status) {}
