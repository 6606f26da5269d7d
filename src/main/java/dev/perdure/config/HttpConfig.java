package dev.perdure.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Min;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.hibernate.validator.constraints.time.DurationMin;

/** HTTP steps: {@code perdure.http.*}. */
public interface HttpConfig {

    /**
     * The hosts that requests may reach: `off` none, `listed` those in `perdure.http.allow`, `public` all public addresses and those in
     * `perdure.http.allow`.
     */
    @WithDefault("public")
    Egress egress();

    /**
     * Hosts that may be called: names, `*.domain`, addresses and ranges such as `10.1.0.0/16`, each also with `:port`. A
     * name opens private and loopback addresses to that host.
     */
    Optional<List<String>> allow();

    /** The number of requests under way at the same time, of all roles together. */
    @Min(1) @WithDefault("64")
    int maxConcurrent();

    /** The number of requests of one role under way at the same time. */
    @Min(1) @WithDefault("32")
    int maxConcurrentPerRole();

    /** The time limit for opening a connection, TLS included. */
    @DurationMin(millis = 1)
    @WithDefault("10s")
    Duration connectTimeout();

    /** The longest that a request may take, whatever `timeout_seconds` its step asks for. */
    @DurationMin(seconds = 1)
    @WithDefault("10m")
    Duration maxTimeout();

    /** A response whose body, decompressed, is larger than this fails its step. */
    @WithDefault("16M")
    MemorySize maxResponseSize();

    /** Certificates of authorities to trust besides those of the Java runtime, a PEM file. */
    Optional<Path> certificates();

    /** Values of {@link #egress}. */
    enum Egress {
        OFF,
        LISTED,
        PUBLIC
    }
}
