package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs its body; when that fails or is interrupted, runs the undos registered in it, the latest first ({@code df.saga}). */
public record SagaNode(String id, @Nullable String resultName, String body) implements Node {

    @Override
    public String type() {
        return "SAGA";
    }

    @Override
    public List<String> children() {
        return List.of(body);
    }
}
