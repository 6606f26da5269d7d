package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations of a manifest: {@code 90s}, {@code 15m}, {@code 1h30m}, {@code 2d}, {@code 500ms}; a number means seconds. */
final class DurationText {

    private static final Pattern TEXT =
            Pattern.compile("(?=.)(?:(\\d{1,9})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,18})s)?(?:(\\d{1,18})ms)?");

    private DurationText() {}

    static Duration parse(JsonNode value, Place place) throws InvalidDefinitionException {
        if (value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= 0) {
            return Duration.ofSeconds(value.longValue());
        }
        Matcher text = TEXT.matcher(value.asText());
        if (!value.isTextual() || !text.matches()) {
            throw place.invalid("expected a duration such as 90s, 15m, 1h30m or a number of seconds, found "
                    + (value.isValueNode() ? value.asText() : Fields.kind(value)));
        }
        return Duration.ofDays(part(text, 1))
                .plusHours(part(text, 2))
                .plusMinutes(part(text, 3))
                .plusSeconds(part(text, 4))
                .plusMillis(part(text, 5));
    }

    /** For values counted in seconds. */
    static long wholeSeconds(JsonNode value, Place place) throws InvalidDefinitionException {
        Duration duration = parse(value, place);
        if (duration.getNano() != 0) {
            throw place.invalid("expected whole seconds, found " + value.asText());
        }
        return duration.getSeconds();
    }

    private static long part(Matcher text, int group) {
        return text.group(group) == null ? 0 : Long.parseLong(text.group(group));
    }
}
