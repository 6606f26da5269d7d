package dev.perdure.ops;

import dev.perdure.fleet.ServedDatabase;
import io.micrometer.core.instrument.Tags;
import java.util.Locale;

/** Labels of metrics: which database, and the names of enumerations in lower case. */
final class Labels {

    private Labels() {}

    /** The label that all metrics of a database have. */
    static Tags of(ServedDatabase database) {
        return Tags.of("database", database.name());
    }

    static String of(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
