package dev.perdure.graph;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Starts a named workflow as a child of the instance, and waits until it has ended.
 *
 * @param name of the definition, as it was written
 * @param args JSON object whose strings are templates
 * @param version null: the latest
 */
public record CallNode(String id, @Nullable String resultName, String name, String args, @Nullable Integer version)
        implements Node {

    @Override
    public String type() {
        return "CALL";
    }

    /** The end of the child is a signal of a name that only this execution of the node waits for. */
    @Override
    public String awaitedSignal(String stamp) {
        return reply("df.call", id, stamp);
    }

    /** A name of a signal that only one execution of a node waits for. */
    static String reply(String type, String id, String stamp) {
        return type + " " + UUID.nameUUIDFromBytes((id + " " + stamp).getBytes(StandardCharsets.UTF_8));
    }
}
