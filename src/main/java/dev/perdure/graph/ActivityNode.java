package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * A step that a program does, which claims it and completes it in a transaction of its own.
 *
 * @param kind by which programs ask for it, compared exactly; nothing is substituted in it
 * @param payload template of a JSON text
 * @param leaseMillis how long a claim lasts without being extended
 * @param maxAttempts how often it is claimed at most
 */
public record ActivityNode(
        String id, @Nullable String resultName, String kind, String payload, long leaseMillis, int maxAttempts)
        implements Node {

    @Override
    public String type() {
        return "ACTIVITY";
    }

    @Override
    public String awaitedSignal(String stamp) {
        return CallNode.reply("df.activity", id, stamp);
    }

    @Override
    public boolean isAssigned() {
        return true;
    }

    @Override
    public boolean isClaimed() {
        return true;
    }
}
