package dev.perdure.flow.template;

import org.jspecify.annotations.Nullable;

/** The effect of an address by which a person or service outside of the database answers a step, once. */
public enum Addresses {
    /** Sends a signal: <code>{sys_signal_url:name}</code>. */
    SIGNAL("sys_signal_url", "signal"),
    /** Decides the approval of the instance that is open: <code>{sys_decision_url:name}</code>. */
    DECISION("sys_decision_url", "decision");

    private final String variable;
    private final String noun;

    Addresses(String variable, String noun) {
        this.variable = variable;
        this.noun = noun;
    }

    static @Nullable Addresses of(String variable) {
        for (Addresses kind : values()) {
            if (kind.variable.equals(variable)) {
                return kind;
            }
        }
        return null;
    }

    /** The noun for the thing that its name names. */
    public String noun() {
        return noun;
    }

    /** As it is written. */
    public String written(String name) {
        return '{' + variable + ':' + name + '}';
    }
}
