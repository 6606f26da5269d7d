/** What the outside sees of the worker: health checks, metrics, tracing. It reads and changes nothing. */
@NullMarked
package dev.perdure.ops;

import org.jspecify.annotations.NullMarked;
