package dev.perdure.ops;

import java.util.Locale;

/** Values of labels: the names of enumerations in lower case. */
final class Labels {

    private Labels() {}

    static String of(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
