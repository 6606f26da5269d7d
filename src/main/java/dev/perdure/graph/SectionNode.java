package dev.perdure.graph;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body in a slot of a queue ({@code df.with_queue}).
 *
 * @param queue its name, as it was written
 * @param key template of the key whose limit counts too; null for none
 */
public record SectionNode(String id, @Nullable String resultName, String body, String queue, @Nullable String key)
        implements Node {

    @Override
    public String type() {
        return "WITH_QUEUE";
    }

    @Override
    public List<String> children() {
        return List.of(body);
    }

    /** The slot is given by a signal of a name that only this execution of the node waits for. */
    @Override
    public String awaitedSignal(String stamp) {
        return "df.with_queue " + UUID.nameUUIDFromBytes((id + " " + stamp).getBytes(StandardCharsets.UTF_8));
    }
}
