/** What the tests share: a real PostgreSQL, one for each JVM. */
@NullMarked
package dev.perdure.testing;

import org.jspecify.annotations.NullMarked;
