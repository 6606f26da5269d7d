package dev.perdure.kubernetes.watch;

import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * The time of the API server, which all workers share: each answer tells it, in whole seconds. Clocks of nodes differ; a schedule
 * must not run early on one of them, nor a second time after a take-over.
 */
@Singleton
public class ServerClock implements InstantSource {

    /** The uncertainty of an answer's time: it is cut to a second, and it was on its way. */
    private static final Duration UNKNOWN = Duration.ofSeconds(2);

    private final Clock local = Clock.systemUTC();
    private volatile Duration offset = Duration.ZERO;

    @Override
    public Instant instant() {
        return local.instant().plus(offset);
    }

    /** The time by which this node's clock is behind; zero while no difference can be told. */
    public Duration offset() {
        return offset;
    }

    void learn(@Nullable String date) {
        if (date == null) {
            return;
        }
        try {
            Instant there = ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration difference = Duration.between(local.instant(), there);
            if (difference.minus(offset).abs().compareTo(UNKNOWN) > 0) {
                offset = difference.abs().compareTo(UNKNOWN) > 0 ? difference : Duration.ZERO;
            }
        } catch (DateTimeException e) {
            // Something on the way has put another date in: the local clock has to do.
            offset = Duration.ZERO;
        }
    }
}
