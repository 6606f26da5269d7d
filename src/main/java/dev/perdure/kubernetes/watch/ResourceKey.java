package dev.perdure.kubernetes.watch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Identity of a resource. */
public record ResourceKey(ResourceKind kind, String namespace, String name) {

    private static final Pattern RUN = Pattern.compile("(.+)-[0-9]+");

    /** Its path at the API server. */
    public String path() {
        return kind.path(namespace) + "/" + name;
    }

    /** Of a workflow that is a run: its schedule, by the name that runs have. Null for others. */
    public @Nullable ResourceKey schedule() {
        Matcher run = RUN.matcher(name);
        return kind == ResourceKind.WORKFLOW && run.matches()
                ? new ResourceKey(ResourceKind.SCHEDULE, namespace, run.group(1))
                : null;
    }

    @Override
    public String toString() {
        return kind.kind() + " " + namespace + "/" + name;
    }
}
