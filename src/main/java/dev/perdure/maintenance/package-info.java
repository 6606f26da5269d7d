/** Upkeep by the leader: deletes old instances, and counts instances for the metrics. It touches no instance that runs or waits. */
@NullMarked
package dev.perdure.maintenance;

import org.jspecify.annotations.NullMarked;
