package dev.perdure.kubernetes.api;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** One submission of one workflow. */
@Group(DurableWorkflow.GROUP)
@Version(DurableWorkflow.VERSION)
@ShortNames("dwf")
@AdditionalPrinterColumn(name = "Phase", jsonPath = ".status.phase", type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(name = "Progress", jsonPath = ".status.progress", type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(name = "Instance", jsonPath = ".status.instanceId", type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(name = "Role", jsonPath = ".spec.role", type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
        name = "Age",
        jsonPath = ".metadata.creationTimestamp",
        type = AdditionalPrinterColumn.Type.DATE)
@AdditionalPrinterColumn(
        name = "Reason",
        jsonPath = ".status.reason",
        type = AdditionalPrinterColumn.Type.STRING,
        priority = 1)
public class DurableWorkflow extends CustomResource<DurableWorkflowSpec, DurableWorkflowStatus> implements Namespaced {

    public static final String GROUP = "perdure.dev";
    public static final String VERSION = "v1alpha1";
    /** Keeps a resource until its instance has ended. */
    public static final String FINALIZER = GROUP + "/instance";

    /** With the value {@code "true"}: the resource may go though nobody can tell whether its instance has ended. */
    public static final String FORCE_DELETE = GROUP + "/force-delete";
    /** A label: the name of the DurableSchedule that created the resource. */
    public static final String SCHEDULE = GROUP + "/schedule";

    private static final long serialVersionUID = 1L;
}
