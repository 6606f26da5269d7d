package dev.perdure.flow.cron;

import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.Map;

/** Time zones by the names that PostgreSQL gives them. */
public final class TimeZones {

    private static final Map<String, String> ALIASES = aliases();

    private TimeZones() {}

    /** EST, MST and HST are no zones to older JVMs, and ROC is none to any. */
    private static Map<String, String> aliases() {
        Map<String, String> aliases = new HashMap<>(ZoneId.SHORT_IDS);
        aliases.put("ROC", "Asia/Taipei");
        return Map.copyOf(aliases);
    }

    /** Whether the JVM knows a zone of that name. */
    public static boolean isKnown(String name) {
        try {
            of(name);
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }

    /**
     * The zone of that name.
     *
     * @throws DateTimeException when the JVM does not know it: its list can be older than that of the server
     */
    public static ZoneId of(String name) {
        try {
            return ZoneId.of(name, ALIASES);
        } catch (DateTimeException e) {
            throw new DateTimeException(
                    "Invalid time zone '" + name
                            + "': the worker's JVM does not know it. When the server does, the worker's"
                            + " time zone data are older: update the tzdata of its JVM",
                    e);
        }
    }
}
