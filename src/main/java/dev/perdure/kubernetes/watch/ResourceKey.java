package dev.perdure.kubernetes.watch;

/** Which resource. */
public record ResourceKey(ResourceKind kind, String namespace, String name) {

    /** Its path at the API server. */
    public String path() {
        return kind.path(namespace) + "/" + name;
    }

    @Override
    public String toString() {
        return kind.kind() + " " + namespace + "/" + name;
    }
}
