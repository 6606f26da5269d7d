package dev.perdure.step.http;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Settings of HTTP steps; the defaults and their meaning are those of {@code HttpConfig}.
 *
 * @param maxConcurrent requests under way
 * @param maxConcurrentPerRole the same for one role
 * @param connectTimeout until a connection stands, TLS included
 * @param maxTimeout of a whole request, whatever the step asks for
 * @param maxResponseSize bytes of a body, decompressed
 * @param certificates authorities to trust besides those of the Java runtime, a PEM file
 * @param secrets where secrets are, one file each
 * @param userAgent what requests say that they come from
 */
public record HttpSettings(
        int maxConcurrent,
        int maxConcurrentPerRole,
        Duration connectTimeout,
        Duration maxTimeout,
        long maxResponseSize,
        Optional<Path> certificates,
        Optional<Path> secrets,
        String userAgent) {}
