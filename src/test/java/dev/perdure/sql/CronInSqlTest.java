package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The times of a cron expression are the same in SQL, where a backfill counts them, and in the worker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CronInSqlTest {

    private static final List<String> ZONES = List.of(
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "America/Santiago",
            "Australia/Lord_Howe",
            "Antarctica/Troll",
            "Asia/Kolkata",
            "Asia/Tehran");

    private static final List<String> FIXED = List.of(
            "30 2 * * *",
            "*/20 1,2 * * *",
            "15 * * * *",
            "10 */2 * * *",
            "*/15 */1 * * sun",
            "30 1 1 * mon",
            "45 2 29 2 *",
            "0 0 1-7,31 jan-mar,oct 1-5/2",
            "5/20 0-4 * * 7",
            "@hourly",
            "@weekly");

    private final SqlSurface sql = new SqlSurface();

    @Test
    void a_year_has_the_same_times_whoever_computes_them() throws SQLException, InvalidCronException {
        Random random = new Random(4);
        List<String> crons = new ArrayList<>(FIXED);
        for (int i = 0; i < 4; i++) {
            crons.add(random.nextInt(60) + "," + random.nextInt(60) + " "
                    + (i % 2 == 0 ? "*/" + (1 + i) : i + "-" + (i + 3)) + " " + (i % 3 == 0 ? "*" : "1-" + (3 + i))
                    + " * " + (i % 3 == 1 ? "*/2" : "1-6"));
        }
        try (Connection connection = sql.database.connect("postgres")) {
            for (String zone : ZONES) {
                for (String cron : crons) {
                    Instant from = Instant.parse("2025-02-15T00:00:00Z").plusSeconds(random.nextInt(100_000));
                    Instant to = from.plus(Duration.ofDays(270));
                    List<Long> expected = new ArrayList<>();
                    PlannedTimes times = PlannedTimes.of(cron, zone);
                    for (Instant at = times.after(from.minusNanos(1)).orElseThrow(); at.isBefore(to); ) {
                        expected.add(at.getEpochSecond());
                        at = times.after(at).orElseThrow();
                    }
                    assertThat(TestDatabase.rows(
                                            connection,
                                            "SELECT extract(epoch FROM t)::bigint FROM df._cron_times(?, ?, ?::text::timestamptz, ?::text::timestamptz) AS t",
                                            cron,
                                            zone,
                                            from.toString(),
                                            to.toString())
                                    .stream()
                                    .map(row -> Long.valueOf(String.valueOf(row.get(0)))))
                            .as("%s in %s", cron, zone)
                            .isEqualTo(expected);
                    assertThat(TestDatabase.rows(
                                    connection,
                                    "SELECT extract(epoch FROM df._cron_next(?, ?, ?::text::timestamptz))::bigint",
                                    cron,
                                    zone,
                                    from.toString()))
                            .as("%s in %s", cron, zone)
                            .isEqualTo(List.of(List.of(String.valueOf(
                                    times.after(from).orElseThrow().getEpochSecond()))));
                }
            }
        }
    }

    @Test
    void a_date_that_never_comes_is_found_to_be_none() throws SQLException {
        assertThat(sql.database.value(
                        "postgres", "SELECT df._cron_next('0 0 30 2 *', 'Europe/Berlin', '2026-01-01Z') IS NULL"))
                .isEqualTo("t");
        assertThat(sql.database.value("postgres", "SELECT df._cron_next('0 0 29 2 *', 'UTC', '2026-01-01Z')::date"))
                .isEqualTo("2028-02-29");
    }
}
