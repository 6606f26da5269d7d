package dev.perdure.doctor;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** Check of the clocks of worker and server: certificates, logs and timers of both are compared. */
final class ClockCheck implements Check {

    private static final Duration TOLERATED = Duration.ofSeconds(5);
    private static final int TRIES = 3;

    @Override
    public String subject() {
        return "clock";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        Duration difference = Duration.ZERO;
        Duration best = Duration.ofDays(1);
        for (int i = 0; i < TRIES; i++) {
            Instant before = Instant.now();
            double epoch = Double.parseDouble(patient.value("SELECT extract(epoch FROM clock_timestamp())"));
            Instant after = Instant.now();
            Duration trip = Duration.between(before, after);
            if (trip.compareTo(best) < 0) {
                best = trip;
                difference = Duration.between(
                        before.plus(trip.dividedBy(2)), Instant.ofEpochMilli(Math.round(epoch * 1000)));
            }
        }
        String text = String.format(
                Locale.ROOT,
                "the server's is %.3f s %s this machine's",
                Math.abs(difference.toMillis()) / 1000.0,
                difference.isNegative() ? "behind" : "ahead of");
        return difference.abs().compareTo(TOLERATED.plus(best)) <= 0
                ? List.of(Finding.ok(subject(), text))
                : List.of(Finding.problem(subject(), text, "let both follow a time service (NTP)"));
    }
}
