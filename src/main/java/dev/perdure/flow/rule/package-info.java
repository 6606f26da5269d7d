/**
 * One rule a node type: the decisions when a node is entered, when a child of it ends, and when an event reaches it. {@link
 * dev.perdure.flow.rule.Rules} is the only place that knows which type has which rule; nothing here keeps state or performs I/O.
 */
@NullMarked
package dev.perdure.flow.rule;

import org.jspecify.annotations.NullMarked;
