/** Measures what the worker does against what the same PostgreSQL can do, in one run. Not part of the product. */
@NullMarked
package dev.perdure.bench;

import org.jspecify.annotations.NullMarked;
