package dev.perdure.kubernetes;

import org.eclipse.microprofile.config.ConfigProvider;

/** {@code perdure.kubernetes.worker-name}, for classes that nobody injects anything into. */
final class WorkerName {

    private WorkerName() {}

    static String get() {
        return ConfigProvider.getConfig().getValue("perdure.kubernetes.worker-name", String.class);
    }
}
