package dev.perdure.flow.cron;

import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One field of a cron expression: a list of values, ascending ranges and steps (crontab(5)).
 *
 * @param values what it matches
 * @param isStar whether it begins with {@code *}, and so does not restrict by itself
 */
record CronField(BitSet values, boolean isStar) {

    private static final Pattern ITEM =
            Pattern.compile("(?:(\\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,3}))?");

    /**
     * Reads a field.
     *
     * @param names of the values from {@code low} on, in lower case; empty when the field has none
     * @return null when the text is no such field
     */
    static @Nullable CronField read(String text, int low, int high, List<String> names) {
        BitSet values = new BitSet();
        for (String item : text.toLowerCase(Locale.ROOT).split(",", -1)) {
            Matcher part = ITEM.matcher(item);
            if (!part.matches()) {
                return null;
            }
            boolean isAll = part.group(1) != null;
            int first = isAll ? low : value(part.group(2), low, names);
            int step = part.group(4) == null ? 1 : Integer.parseInt(part.group(4));
            int last = first;
            if (part.group(3) != null) {
                last = value(part.group(3), low, names);
            } else if (isAll || part.group(4) != null) {
                last = high;
            }
            if (step == 0 || first < low || last > high || first > last) {
                return null;
            }
            for (int value = first; value <= last; value += step) {
                values.set(value);
            }
        }
        return new CronField(values, text.startsWith("*"));
    }

    boolean matches(int value) {
        return values.get(value);
    }

    /** The number, or the value of the name; below {@code low} when it is no such name. */
    private static int value(String text, int low, List<String> names) {
        return Character.isDigit(text.charAt(0)) ? Integer.parseInt(text) : notBelow(names.indexOf(text), low);
    }

    private static int notBelow(int index, int low) {
        return index < 0 ? low - 1 : low + index;
    }
}
