package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.ConcurrencyPolicy;
import dev.perdure.kubernetes.api.DeletionPolicy;
import dev.perdure.kubernetes.api.DurableScheduleSpec;
import dev.perdure.kubernetes.api.DurableScheduleStatus;
import dev.perdure.kubernetes.api.DurableWorkflowStatus;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.api.SecretKeyReference;
import dev.perdure.kubernetes.api.StatusCondition;
import dev.perdure.kubernetes.api.Variable;
import dev.perdure.kubernetes.api.VariableSource;
import dev.perdure.kubernetes.api.WorkflowTemplate;
import dev.perdure.kubernetes.api.WorkflowTemplateSpec;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** The classes that are read from JSON and written to it by reflection, also in a native executable. */
@RegisterForReflection(
        targets = {
            ConcurrencyPolicy.class,
            DeletionPolicy.class,
            DurableScheduleSpec.class,
            DurableScheduleStatus.class,
            DurableWorkflowStatus.class,
            Phase.class,
            SecretKeyReference.class,
            StatusCondition.class,
            Variable.class,
            VariableSource.class,
            WorkflowTemplate.class,
            WorkflowTemplateSpec.class
        })
final class ModelReflection {
    private ModelReflection() {}
}
