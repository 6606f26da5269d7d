package dev.perdure.engine.telemetry;

import org.jboss.logging.MDC;
import org.jspecify.annotations.Nullable;

/** The fields {@code instance} and {@code node} of log lines. Threads of the engine serve many instances, one after another. */
public final class LogFields {

    static final String INSTANCE = "instance";
    static final String NODE = "node";

    private LogFields() {}

    /**
     * Runs a body whose log lines have the fields of an instance, and of one of its nodes. Afterwards those from before hold again.
     *
     * @param node null where the line belongs to no node, or to the one that is set
     */
    public static void with(String instance, @Nullable String node, Runnable body) {
        Object instanceBefore = MDC.get(INSTANCE);
        Object nodeBefore = MDC.get(NODE);
        set(INSTANCE, instance);
        set(NODE, node == null && instance.equals(instanceBefore) ? nodeBefore : node);
        try {
            body.run();
        } finally {
            set(INSTANCE, instanceBefore);
            set(NODE, nodeBefore);
        }
    }

    private static void set(String field, @Nullable Object value) {
        if (value == null) {
            MDC.remove(field);
        } else {
            MDC.put(field, value);
        }
    }
}
