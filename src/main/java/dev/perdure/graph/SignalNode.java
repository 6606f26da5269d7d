package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Waits for a signal.
 *
 * @param signalName the name, compared exactly; nothing is substituted in it
 * @param timeoutSeconds how long it waits at most; null: without end
 */
public record SignalNode(String id, @Nullable String resultName, String signalName, @Nullable Integer timeoutSeconds)
        implements Node {
    @Override
    public String type() {
        return "SIGNAL";
    }

    /** The beginning of names of waits that are no signals. */
    static final String MARK = "\u0001";

    /** The name; one that begins with the mark has it twice. */
    @Override
    public String awaitedSignal(String stamp) {
        return signalName.startsWith(MARK) ? MARK + signalName : signalName;
    }
}
