package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableSchedule;
import io.javaoperatorsdk.operator.processing.event.source.filter.GenericFilter;
import org.eclipse.microprofile.config.ConfigProvider;

/** Schedules whose runs are for other workers are left alone. Made by the operator's framework. */
public class OurScheduleFilter implements GenericFilter<DurableSchedule> {

    private final String worker = ConfigProvider.getConfig().getValue("perdure.kubernetes.worker-name", String.class);

    @Override
    public boolean accept(DurableSchedule resource) {
        return resource.getSpec() != null && worker.equals(resource.getSpec().workflowTemplate.spec.worker);
    }
}
