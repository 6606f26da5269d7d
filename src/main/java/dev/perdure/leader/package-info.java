/**
 * Leadership: the advisory lock on a connection of its own, the epoch, and their place in health and metrics. Fencing lies in the tables
 * (store); a double election here would be harmless.
 */
@NullMarked
package dev.perdure.leader;

import org.jspecify.annotations.NullMarked;
