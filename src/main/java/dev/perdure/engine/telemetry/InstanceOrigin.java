package dev.perdure.engine.telemetry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The identity of an instance for observers of the engine; none of it changes during the instance's life.
 *
 * @param id eight hex digits
 * @param label as given to df.start; null when there is none
 * @param role the submitter's name
 * @param createdAt when the transaction that started it began
 */
public record InstanceOrigin(String id, @Nullable String label, String role, Instant createdAt) {}
