package dev.perdure.kubernetes.manifest;

import java.time.ZoneId;
import java.util.Optional;

/** Names of time zones, in any case of letters. */
public final class ZoneText {

    private ZoneText() {}

    /** The proper spelling of a zone's name; empty for an unknown one. */
    public static Optional<String> properName(String name) {
        return ZoneId.getAvailableZoneIds().stream()
                .filter(zone -> zone.equalsIgnoreCase(name))
                .findFirst();
    }
}
