package dev.perdure.kubernetes.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.kubernetes.api.DurableScheduleSpec;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of a DurableSchedule on the days on which clocks are changed, for an operator that looks every twenty minutes. */
class ClockChangesTest {

    @ParameterizedTest(name = "{0} in {1} on {2}")
    @CsvSource({
        "30 2 * * *, Europe/Berlin,    2026-10-25, 2026-10-25T00:30:00Z",
        "30 2 * * *, Europe/Berlin,    2026-03-29, 2026-03-29T01:00:00Z",
        "30 2 * * *, America/New_York, 2026-03-08, 2026-03-08T07:00:00Z",
        "0 0 * * *,  America/Santiago, 2026-09-06, 2026-09-06T04:00:00Z",
        "0 0 * * *,  Africa/Cairo,     2026-04-24, 2026-04-23T22:00:00Z",
        "0 0 * * *,  America/Havana,   2026-03-08, 2026-03-08T05:00:00Z",
    })
    void there_is_one_run_that_day(String cron, String zone, String day, Instant expected)
            throws InvalidDefinitionException {
        Instant begin = expected.minus(Duration.ofHours(11));
        DurableScheduleSpec spec = new DurableScheduleSpec();
        spec.schedule = cron;
        spec.timeZone = zone;
        Optional<Instant> last = Optional.empty();
        List<Instant> runs = new ArrayList<>();
        for (Instant now = begin; now.isBefore(begin.plus(Duration.ofHours(23))); now = now.plusSeconds(1200)) {
            ScheduleDecision decision =
                    ScheduleDecision.of(spec, CronTimes.of(cron, zone), begin, last, Optional.empty(), List.of(), now);
            decision.start().ifPresent(runs::add);
            last = decision.last();
        }

        assertThat(runs).as(day).containsExactly(expected);
    }
}
