package dev.perdure.kubernetes;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.processing.Controller;
import io.quarkiverse.operatorsdk.runtime.QuarkusConfigurationService;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/**
 * The operator's controllers, new ones for each term. An {@link Operator} that is started again keeps what it knew of each
 * resource, and that is wrong for those that were being reconciled when it was stopped: they count as being reconciled for
 * ever, and nothing that happens to them is looked at. For one thread.
 */
@Singleton
class Controllers {

    private final QuarkusConfigurationService configuration;
    private final Instance<Reconciler<? extends HasMetadata>> reconcilers;
    private @Nullable Operator operator;

    Controllers(QuarkusConfigurationService configuration, Instance<Reconciler<? extends HasMetadata>> reconcilers) {
        this.configuration = configuration;
        this.reconcilers = reconcilers;
    }

    /**
     * Blocks while the API server does not answer for a moment.
     *
     * @throws RuntimeException when it does not answer, the resources are unknown to it or may not be read; then nothing runs
     */
    void start() {
        // Informers of which some start and some do not cannot be stopped again: the first request is one without a
        // trace.
        reconcilers.forEach(reconciler -> tryToRead(configuration.getConfigurationFor(reconciler)));
        Operator created = new Operator(configuration);
        reconcilers.forEach(created::register);
        operator = created;
        try {
            created.start();
        } catch (RuntimeException e) {
            try {
                stop();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private <R extends HasMetadata> void tryToRead(ControllerConfiguration<R> controller) {
        for (String namespace : controller.getInformerConfig().getEffectiveNamespaces(controller)) {
            configuration
                    .getKubernetesClient()
                    .resources(controller.getResourceClass())
                    .inNamespace(namespace)
                    .list(new ListOptionsBuilder().withLimit(1L).build());
        }
    }

    /** Interrupts what is being reconciled. */
    void stop() {
        Operator stopped = operator;
        operator = null;
        if (stopped == null) {
            return;
        }
        // An operator whose start has failed leaves the controllers that did start running, and needs its threads to
        // stop them.
        configuration.getExecutorServiceManager().start(configuration);
        stopped.getRegisteredControllers().forEach(controller -> ((Controller<?>) controller).stop());
        stopped.stop();
    }
}
