/**
 * Work of the leader as the owner of the schema: one loop, one connection, one exchange at a time. The other rooms leave their reads,
 * writes and queries here, and get the outcome.
 */
@NullMarked
package dev.perdure.engine.owner;

import org.jspecify.annotations.NullMarked;
