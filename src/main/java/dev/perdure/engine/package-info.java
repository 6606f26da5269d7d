/**
 * The engine of a term: wires its rooms to each other when a term begins, starts the effects that are decided, and ends with the term. It
 * decides nothing about a workflow itself.
 */
@NullMarked
package dev.perdure.engine;

import org.jspecify.annotations.NullMarked;
