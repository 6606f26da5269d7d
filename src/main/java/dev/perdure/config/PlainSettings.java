package dev.perdure.config;

import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Settings by name, for code that runs before the application starts, or without it: environment, system properties and {@code
 * config/application.properties}. {@link PerdureConfig} has their meanings and defaults.
 */
public final class PlainSettings {

    private static final Path FILE = Path.of("config", "application.properties");
    /** As Quarkus orders it: below the environment and system properties. */
    private static final int ORDINAL = 260;

    private final SmallRyeConfig config;

    private PlainSettings(SmallRyeConfig config) {
        this.config = config;
    }

    /** The settings of a worker that is started here. */
    public static PlainSettings read() {
        SmallRyeConfigBuilder builder =
                new SmallRyeConfigBuilder().addDefaultSources().addDefaultInterceptors();
        if (Files.isReadable(FILE)) {
            try {
                builder.withSources(new PropertiesConfigSource(FILE.toUri().toURL(), ORDINAL));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return new PlainSettings(builder.build());
    }

    /** A setting as it was written; empty when it was not, or is empty. */
    public Optional<String> value(String name) {
        return Optional.ofNullable(config.getConfigValue(name).getValue()).filter(value -> !value.isEmpty());
    }

    /** The names of all settings, variables of the environment as they are. */
    public Set<String> names() {
        Set<String> names = new HashSet<>();
        config.getPropertyNames().forEach(names::add);
        return names;
    }

    /** A whole number. */
    public int number(String name, int otherwise) {
        return value(name).map(Integer::valueOf).orElse(otherwise);
    }
}
