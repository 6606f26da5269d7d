/** Telemetry of the engine: counters, reports of steps and ends, fields of log lines. */
@NullMarked
package dev.perdure.engine.telemetry;

import org.jspecify.annotations.NullMarked;
