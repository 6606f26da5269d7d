/**
 * Work of the leader as the owner of the schema: one loop, one connection, one exchange at a time. Everybody else leaves here what
 * is to be written, read or looked for, and is told what came of it.
 */
@NullMarked
package dev.perdure.engine.owner;

import org.jspecify.annotations.NullMarked;
