/** The engine against a real PostgreSQL: what a workflow does, and what survives when something is taken away from it. */
@NullMarked
package dev.perdure.engine;

import org.jspecify.annotations.NullMarked;
