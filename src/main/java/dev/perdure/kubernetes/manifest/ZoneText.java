package dev.perdure.kubernetes.manifest;

import dev.perdure.flow.cron.TimeZones;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Names of time zones, in any case of letters. */
public final class ZoneText {

    private ZoneText() {}

    /** The proper spelling of a zone's name; empty for an unknown one. */
    static Optional<String> properName(String name) {
        return ZoneId.getAvailableZoneIds().stream()
                .filter(zone -> zone.equalsIgnoreCase(name))
                .findFirst();
    }

    /** The zone of a name that {@code df.wait_for_schedule} takes; empty for an unknown one. */
    public static Optional<ZoneId> zone(String name) {
        try {
            return Optional.of(TimeZones.of(properName(name).orElse(name)));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    /** The error text for an unknown zone: a zone of this year may be missing in an older list. */
    public static String problem(@Nullable String name) {
        return "unknown time zone '" + name + "'. The list is that of the worker's Java (its tzdata)";
    }
}
