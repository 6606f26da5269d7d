package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableWorkflow;
import io.javaoperatorsdk.operator.processing.event.source.filter.GenericFilter;
import org.eclipse.microprofile.config.ConfigProvider;

/** Resources of other workers are left alone, their finalizers included. Made by the operator's framework. */
public class OursFilter implements GenericFilter<DurableWorkflow> {

    private final String worker = ConfigProvider.getConfig().getValue("perdure.kubernetes.worker-name", String.class);

    @Override
    public boolean accept(DurableWorkflow resource) {
        return resource.getSpec() != null && worker.equals(resource.getSpec().worker);
    }
}
