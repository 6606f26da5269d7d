/**
 * The databases that this process serves, one or several. Each has its own settings, state, election, engine, maintenance and schedules;
 * they share only the network's threads and the process's memory. Trouble of one database reaches no other.
 */
@NullMarked
package dev.perdure.fleet;

import org.jspecify.annotations.NullMarked;
