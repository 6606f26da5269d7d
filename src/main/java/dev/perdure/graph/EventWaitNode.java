package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Waits for an event of another instance.
 *
 * @param publisher template of the id of the instance that publishes it
 * @param eventName the name, compared exactly; nothing is substituted in it
 * @param timeoutSeconds how long it waits at most; null: without end
 */
public record EventWaitNode(
        String id, @Nullable String resultName, String publisher, String eventName, @Nullable Integer timeoutSeconds)
        implements Node {

    @Override
    public String type() {
        return "WAIT_EVENT";
    }

    /** No signal has such a name: see {@link SignalNode#awaitedSignal}. */
    @Override
    public String awaitedSignal(String stamp) {
        return SignalNode.MARK + id;
    }
}
