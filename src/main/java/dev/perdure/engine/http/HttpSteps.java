package dev.perdure.engine.http;

import dev.perdure.config.BuildInfo;
import dev.perdure.config.HttpConfig;
import dev.perdure.config.PerdureConfig;
import dev.perdure.step.http.EgressMode;
import dev.perdure.step.http.EgressPolicy;
import dev.perdure.step.http.HttpSettings;
import dev.perdure.step.http.HttpStep;
import dev.perdure.step.http.SystemResolver;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Makes the sender of HTTP steps from the settings. */
public final class HttpSteps {

    private HttpSteps() {}

    /**
     * Reads the settings.
     *
     * @param secrets the directory of secrets that may be referred to
     * @throws IllegalArgumentException when one of them makes no sense
     */
    public static HttpStep of(PerdureConfig perdure, Optional<Path> secrets) {
        HttpConfig config = perdure.http();
        EgressMode mode =
                switch (config.egress()) {
                    case OFF -> EgressMode.OFF;
                    case LISTED -> EgressMode.LISTED;
                    case PUBLIC -> EgressMode.PUBLIC;
                };
        HttpSettings settings = new HttpSettings(
                config.maxConcurrent(),
                config.maxConcurrentPerRole(),
                config.connectTimeout(),
                config.maxTimeout(),
                config.maxResponseSize().asLongValue(),
                config.certificates(),
                secrets,
                "perdure/" + BuildInfo.read().version());
        EgressPolicy policy = new EgressPolicy(mode, config.allow().orElse(List.of()));
        return HttpStep.apart(settings, policy, new SystemResolver(config.maxConcurrent()));
    }
}
