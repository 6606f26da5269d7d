package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs its body again when it fails ({@code df.retry}). */
public record RetryNode(String id, @Nullable String resultName, String body, RetryPolicy policy) implements Node {
    @Override
    public String type() {
        return "RETRY";
    }

    @Override
    public List<String> children() {
        return List.of(body);
    }
}
