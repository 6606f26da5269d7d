package dev.perdure.kubernetes.manifest;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The five fields of a cron expression, by the rules of {@code df._valid_cron}. */
public final class CronText {

    private static final Set<String> NICKNAMES =
            Set.of("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly");
    private static final Pattern ITEM =
            Pattern.compile("(?:(\\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,3}))?");
    private static final List<String> MONTHS =
            List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");
    private static final List<String> DAYS = List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat");

    private CronText() {}

    public static boolean isValid(String expression) {
        String text = expression.strip().toLowerCase(Locale.ROOT);
        if (NICKNAMES.contains(text)) {
            return true;
        }
        String[] fields = text.split("[ \\t\\n\\r]+");
        return fields.length == 5
                && field(fields[0], 0, 59, List.of())
                && field(fields[1], 0, 23, List.of())
                && field(fields[2], 1, 31, List.of())
                && field(fields[3], 1, 12, MONTHS)
                && field(fields[4], 0, 7, DAYS);
    }

    /** What to say of an expression that is not valid. */
    public static String problem(String expression) {
        return "'" + expression
                + "' is no cron expression: minute hour day-of-month month day-of-week (0-7, 0 and 7 are"
                + " Sunday), or @hourly and the like";
    }

    private static boolean field(String field, int low, int high, List<String> names) {
        for (String item : field.split(",", -1)) {
            Matcher part = ITEM.matcher(item);
            if (!part.matches() || part.group(4) != null && Integer.parseInt(part.group(4)) == 0) {
                return false;
            }
            if (part.group(1) != null) {
                continue;
            }
            int first = value(part.group(2), low, names);
            int last = part.group(3) == null ? first : value(part.group(3), low, names);
            if (first < low || last > high || first > last) {
                return false;
            }
        }
        return true;
    }

    /** A number, or a name that stands for low, low + 1, and so on; less than low for neither. */
    private static int value(String text, int low, List<String> names) {
        if (Character.isDigit(text.charAt(0))) {
            return Integer.parseInt(text);
        }
        int index = names.indexOf(text);
        return index < 0 ? low - 1 : index + low;
    }
}
