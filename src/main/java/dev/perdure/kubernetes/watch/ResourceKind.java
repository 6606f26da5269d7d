package dev.perdure.kubernetes.watch;

import dev.perdure.kubernetes.api.DurableWorkflow;

/** The kinds that are reconciled. */
public enum ResourceKind {
    WORKFLOW("DurableWorkflow", "durableworkflows", "/spec/worker"),
    SCHEDULE("DurableSchedule", "durableschedules", "/spec/workflowTemplate/spec/worker");

    /** As {@code apiVersion} in manifests. */
    public static final String API_VERSION = DurableWorkflow.GROUP + "/" + DurableWorkflow.VERSION;

    private final String kind;
    private final String plural;
    private final String worker;

    ResourceKind(String kind, String plural, String worker) {
        this.kind = kind;
        this.plural = plural;
        this.worker = worker;
    }

    /** As {@code kind} in manifests. */
    public String kind() {
        return kind;
    }

    public String plural() {
        return plural;
    }

    /** The field of a resource that names its worker, as a JSON pointer. */
    String worker() {
        return worker;
    }

    /** The path of those in a namespace. */
    public String path(String namespace) {
        return "/apis/" + API_VERSION + "/namespaces/" + namespace + "/" + plural;
    }
}
