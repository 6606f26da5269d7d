/**
 * The databases that this process serves, one or several: each with its own settings, state, election, engine, maintenance and
 * schedules, and nothing of them shared but threads of the network and the process's memory. What one database does to its parts
 * reaches no other.
 */
@NullMarked
package dev.perdure.fleet;

import org.jspecify.annotations.NullMarked;
