package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableSchedule;
import io.javaoperatorsdk.operator.processing.event.source.filter.GenericFilter;

/**
 * Schedules whose runs are for other workers are left alone. Made by the framework when
 * the application is built, so it holds nothing.
 */
public class OurScheduleFilter implements GenericFilter<DurableSchedule> {

    @Override
    public boolean accept(DurableSchedule resource) {
        return resource.getSpec() != null && WorkerName.get().equals(resource.getSpec().workflowTemplate.spec.worker);
    }
}
