/** What is broken: a PostgreSQL, a proxy in front of it and worker processes, each of which can be made to fail. */
@NullMarked
package dev.perdure.faults.world;

import org.jspecify.annotations.NullMarked;
