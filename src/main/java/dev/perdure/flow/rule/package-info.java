/**
 * One rule a node type: what a node does when it is entered, when a child of it ends, and when something happened to it. {@link
 * dev.perdure.flow.rule.Rules} is the only place that knows which type has which rule; nothing here keeps state or performs I/O.
 */
@NullMarked
package dev.perdure.flow.rule;

import org.jspecify.annotations.NullMarked;
