package dev.perdure.graph;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The number of items of a map that may fail before the map does.
 *
 * @param all whether any number may
 * @param count that number, when it is one
 * @param percent that part of all items, when it is one
 */
public record ToleratedFailures(boolean all, long count, @Nullable BigDecimal percent) {

    private static final Pattern COUNT = Pattern.compile("[0-9]{1,9}");
    private static final Pattern PERCENT = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,6})?%");
    private static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

    /**
     * Reads {@code on_failure} and {@code tolerate} of df.map.
     *
     * @throws IllegalArgumentException says what is wrong
     */
    static ToleratedFailures parse(@Nullable String onFailure, @Nullable String tolerate) {
        if (("tolerate".equals(onFailure)) != (tolerate != null)) {
            throw new IllegalArgumentException("on_failure tolerate and tolerate of MAP belong together");
        }
        if (tolerate != null) {
            return parse(tolerate);
        }
        if ("fail".equals(onFailure)) {
            return new ToleratedFailures(false, 0, null);
        }
        if ("continue".equals(onFailure)) {
            return new ToleratedFailures(true, 0, null);
        }
        throw new IllegalArgumentException("on_failure of MAP is not fail, continue or tolerate: " + onFailure);
    }

    private static ToleratedFailures parse(String tolerate) {
        if (COUNT.matcher(tolerate).matches()) {
            return new ToleratedFailures(false, Long.parseLong(tolerate), null);
        }
        if (PERCENT.matcher(tolerate).matches()) {
            BigDecimal percent = new BigDecimal(tolerate.substring(0, tolerate.length() - 1));
            if (percent.compareTo(HUNDRED) <= 0) {
                return new ToleratedFailures(false, 0, percent);
            }
        }
        throw new IllegalArgumentException("tolerate of MAP is neither a number nor a percentage: " + tolerate);
    }

    /** Whether so many failures of so many items are more than may be. */
    public boolean isExceededBy(long failed, long total) {
        if (all) {
            return false;
        }
        long most = percent == null
                ? count
                : BigDecimal.valueOf(total)
                        .multiply(percent)
                        .divide(HUNDRED, 0, RoundingMode.FLOOR)
                        .longValueExact();
        return failed > most;
    }
}
