package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableWorkflow;
import io.javaoperatorsdk.operator.processing.event.source.filter.GenericFilter;

/**
 * Resources of other workers are left alone, their finalizers included. Made by the framework when
 * the application is built, so it holds nothing.
 */
public class OursFilter implements GenericFilter<DurableWorkflow> {

    @Override
    public boolean accept(DurableWorkflow resource) {
        return resource.getSpec() != null && WorkerName.get().equals(resource.getSpec().worker);
    }
}
