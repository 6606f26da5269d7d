/**
 * A PostgreSQL of our own for trying out and development: it is started, or adopted when it runs already, and stopped
 * with the JVM. What it offers to the rest is a {@link dev.perdure.database.DatabaseUrl} like any other.
 */
@NullMarked
package dev.perdure.embedded;

import org.jspecify.annotations.NullMarked;
