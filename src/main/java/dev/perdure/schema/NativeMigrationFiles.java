package dev.perdure.schema;

import io.quarkus.flyway.runtime.QuarkusFlywayClassProvider;
import io.quarkus.flyway.runtime.QuarkusFlywayResourceProvider;
import io.quarkus.flyway.runtime.QuarkusPathLocationScanner;
import java.util.Arrays;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/**
 * Gives Flyway the migration files in a native executable, where a class path cannot be listed. Quarkus' extension has
 * noted their names, and put them into the executable, when it was built.
 */
final class NativeMigrationFiles {

    private NativeMigrationFiles() {}

    static void provideTo(FluentConfiguration configuration) {
        var scanner = new QuarkusPathLocationScanner(configuration, Arrays.asList(configuration.getLocations()));
        configuration
                .resourceProvider(new QuarkusFlywayResourceProvider(scanner.scanForResources()))
                .javaMigrationClassProvider(new QuarkusFlywayClassProvider<>(scanner.scanForClasses()));
    }
}
