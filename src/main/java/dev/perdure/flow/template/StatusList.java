package dev.perdure.flow.template;

import java.util.Arrays;
import java.util.regex.Pattern;

/** Statuses that a request expects, such as {@code 2xx,404}; {@code df._with_expect} checks the same. */
public final class StatusList {

    private static final Pattern LIST = Pattern.compile(" *[1-5]([0-9]{2}|xx) *(, *[1-5]([0-9]{2}|xx) *)*");

    private StatusList() {}

    /** Whether this is such a list. */
    public static boolean isValid(String list) {
        return LIST.matcher(list).matches();
    }

    /** Whether a status is in a list. */
    public static boolean contains(String list, int status) {
        return Arrays.stream(list.split(","))
                .map(String::strip)
                .anyMatch(one -> one.equals(String.valueOf(status))
                        || one.endsWith("xx") && one.charAt(0) - '0' == status / 100);
    }
}
