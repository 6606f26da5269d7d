package dev.perdure.flow;

import java.util.Locale;

/** Status of a row of {@code df.nodes} (specification 3.2, {@code nodes_status_chk}). */
public enum NodeStatus {
    PENDING,
    RUNNING,
    COMPLETED,
    FAILED;

    public boolean isTerminal() {
        return this == COMPLETED || this == FAILED;
    }

    /** The text stored in the table: lower case. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static NodeStatus of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}
