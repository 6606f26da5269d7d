/** Health checks, metrics and traces of the worker. It reads and changes nothing. */
@NullMarked
package dev.perdure.ops;

import org.jspecify.annotations.NullMarked;
