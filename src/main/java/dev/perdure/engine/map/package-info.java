/**
 * Maps: their items are read a few at a time, worked on as actors of their own, and counted. What is known of a map is in its items' rows; all
 * that is here can be lost.
 */
@NullMarked
package dev.perdure.engine.map;

import org.jspecify.annotations.NullMarked;
