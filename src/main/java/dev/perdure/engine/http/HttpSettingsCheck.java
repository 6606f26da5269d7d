package dev.perdure.engine.http;

import dev.perdure.config.PerdureConfig;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Settings of HTTP steps that make no sense stop the application when it starts, and not at the first request. */
@Singleton
class HttpSettingsCheck {

    void check(@Observes StartupEvent event, PerdureConfig config) {
        HttpSteps.of(config, config.secrets().directory()).close();
    }
}
