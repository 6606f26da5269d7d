package dev.perdure.kubernetes.reconcile;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.kubernetes.manifest.CronText;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.ZoneText;
import java.time.ZoneId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the times of a schedule from its manifest. */
final class CronTimes {

    private CronTimes() {}

    /** An expression and the name of a zone, UTC without one. */
    static PlannedTimes of(String expression, @Nullable String timeZone) throws InvalidDefinitionException {
        Optional<ZoneId> zone = ZoneText.zone(timeZone == null ? "UTC" : timeZone);
        if (zone.isEmpty()) {
            throw new InvalidDefinitionException("spec.timeZone: " + ZoneText.problem(timeZone));
        }
        try {
            return new PlannedTimes(CronSchedule.parse(expression), zone.get());
        } catch (InvalidCronException e) {
            throw new InvalidDefinitionException("spec.schedule: " + CronText.problem(expression));
        }
    }
}
