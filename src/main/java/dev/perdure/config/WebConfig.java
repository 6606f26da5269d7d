package dev.perdure.config;

import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;

/** The dashboard and the HTTP API: {@code perdure.web.*}. */
public interface WebConfig {

    /** Whether they are served. */
    enum Enabled {
        /** With the embedded server only. */
        AUTO,
        TRUE,
        FALSE
    }

    /**
     * Whether the dashboard and the HTTP API are served: {@code auto} (with the embedded server, so in development mode), {@code true} or
     * {@code false}.
     */
    @WithDefault("auto")
    Enabled enabled();

    /** The databases that they serve, of several, separated by commas. Default: all. */
    Optional<List<String>> databases();

    /**
     * A read replica of the database, as a libpq URL, for requests that only read. It is that of {@code perdure.database.url}, or of the
     * only database. Default: everything is asked of the database itself.
     */
    Optional<String> readUrl();

    /** Their port, which is not that of health and metrics. */
    @Min(0) @Max(65535) @WithDefault("8090")
    int port();

    /** The address to listen on. Default: 127.0.0.1 with the embedded server, which asks for no password, otherwise all addresses. */
    Optional<String> host();

    /** Whether nothing can be started, cancelled or changed through them. */
    @WithDefault("false")
    boolean readOnly();

    /** The name of a {@code quarkus.tls."name"} configuration, which holds key and certificate. Default: no TLS. */
    Optional<String> tls();

    /**
     * The address under which others reach this port, with which the addresses begin that steps hand out
     * ({@code {sys_signal_url:name}}), for example {@code https://workflows.example.com}. All workers have the same. Default: steps hand out none.
     */
    Optional<@Pattern(regexp = "https?://[A-Za-z0-9._~:/\\[\\]%-]{1,500}") String> publicUrl();

    /** The shortest time for which an address that a step has handed out works. */
    @DurationMin(seconds = 1)
    @DurationMax(days = 365)
    @WithDefault("7d")
    Duration addressLifetime();

    /** The largest number of their sessions on the database, of all logins together. */
    @Min(1) @Max(1000) @WithDefault("20")
    int maxSessions();

    /** The time limit of one of their statements. */
    @DurationMin(millis = 100)
    @WithDefault("5s")
    Duration statementTimeout();

    /** A login that was not used for this long is over. */
    @DurationMin(seconds = 1)
    @WithDefault("30m")
    Duration idleTimeout();

    /** A login is over after this long, used or not. */
    @DurationMin(seconds = 1)
    @WithDefault("12h")
    Duration maxAge();

    /**
     * The roles of groups that OIDC or a proxy says somebody is in, for example {@code perdure.web.roles."app-operators"=app_operator}.
     */
    Map<String, String> roles();

    /** A proxy that logs people in. */
    Proxy proxy();

    /** {@code perdure.web.proxy.*}. */
    interface Proxy {

        /** Addresses of trusted proxies, which log people in, such as {@code 10.0.7.4} or {@code 10.0.7.0/24}. Default: none is. */
        Optional<List<String>> addresses();

        /** The header in which a proxy lists the groups of the user, with commas between them. */
        @WithDefault("X-Forwarded-Groups")
        String header();
    }
}
