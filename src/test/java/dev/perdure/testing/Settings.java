package dev.perdure.testing;

import dev.perdure.config.PerdureConfig;
import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.runtime.configuration.MemorySizeConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The configuration of a worker in the test's JVM, with the defaults of {@link PerdureConfig}. */
public final class Settings {

    private static final int HIGHEST = 300;
    private static final int STEP = 10;

    private Settings() {}

    /**
     * Reads settings.
     *
     * @param sources {@code perdure.*} by name, the first of which wins
     */
    public static PerdureConfig of(List<Map<String, String>> sources) {
        SmallRyeConfigBuilder builder = new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .withConverter(Duration.class, 200, new DurationConverter())
                .withConverter(MemorySize.class, 200, new MemorySizeConverter())
                .withMapping(PerdureConfig.class);
        for (int i = 0; i < sources.size(); i++) {
            builder.withSources(new PropertiesConfigSource(sources.get(i), "test " + i, HIGHEST - STEP * i));
        }
        return builder.build().getConfigMapping(PerdureConfig.class);
    }
}
