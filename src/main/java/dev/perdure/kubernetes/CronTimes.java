package dev.perdure.kubernetes;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import dev.perdure.kubernetes.manifest.CronText;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.ZoneText;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The times that a cron expression means in a time zone; all are whole minutes. */
final class CronTimes {

    private static final Map<String, String> NICKNAMES = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");

    private final ExecutionTime times;
    private final ZoneId zone;

    private CronTimes(ExecutionTime times, ZoneId zone) {
        this.times = times;
        this.zone = zone;
    }

    /** An expression and the name of a zone, UTC without one. */
    static CronTimes of(String expression, @Nullable String timeZone) throws InvalidDefinitionException {
        if (!CronText.isValid(expression)) {
            throw new InvalidDefinitionException("spec.schedule: " + CronText.problem(expression));
        }
        Optional<String> zone = ZoneText.properName(timeZone == null ? "UTC" : timeZone);
        if (zone.isEmpty()) {
            throw new InvalidDefinitionException("spec.timeZone: unknown time zone '" + timeZone + "'");
        }
        String text = expression.strip().toLowerCase(Locale.ROOT);
        CronParser parser = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));
        return new CronTimes(
                ExecutionTime.forCron(parser.parse(NICKNAMES.getOrDefault(text, text))), ZoneId.of(zone.get()));
    }

    /** The first time after a moment; empty when there is none, such as on the 30th of February. */
    Optional<Instant> after(Instant moment) {
        return times.nextExecution(moment.atZone(zone)).map(ZonedDateTime::toInstant);
    }

    /** The latest time up to a moment. */
    Optional<Instant> upTo(Instant moment) {
        ZonedDateTime nextMinute = moment.truncatedTo(ChronoUnit.MINUTES)
                .plus(1, ChronoUnit.MINUTES)
                .atZone(zone);
        return times.lastExecution(nextMinute).map(ZonedDateTime::toInstant);
    }
}
