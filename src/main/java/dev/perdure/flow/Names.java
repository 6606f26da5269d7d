package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The result names that each open frame bound itself. A name is looked up along the frames' chain: the parent frame
 * stands still while a branch of it runs, so nothing needs to be copied (specification 4.4).
 *
 * <p>Also serves as a set of changes to other names: then {@code cleared} frames forget what they bound before.
 */
final class Names {

    private final Map<String, Map<String, Result>> bound = new HashMap<>();
    private final Map<String, Boolean> cleared = new HashMap<>();

    void bind(String frame, String name, Result result) {
        bound.computeIfAbsent(frame, key -> new LinkedHashMap<>()).put(name, result);
    }

    void clear(String frame) {
        bound.remove(frame);
        cleared.put(frame, true);
    }

    /** Bytes that the results take in memory. */
    long bytes() {
        long bytes = 0;
        for (Map<String, Result> names : bound.values()) {
            for (Result result : names.values()) {
                bytes += result.bytes();
            }
        }
        return bytes;
    }

    /** Takes over the changes. */
    void apply(Names changes) {
        changes.cleared.keySet().forEach(bound::remove);
        changes.bound.forEach((frame, names) ->
                bound.computeIfAbsent(frame, key -> new LinkedHashMap<>()).putAll(names));
    }

    Names copy() {
        Names copy = new Names();
        bound.forEach((frame, names) -> copy.bound.put(frame, new LinkedHashMap<>(names)));
        return copy;
    }

    /** The names that a frame bound itself, with these changes. */
    Map<String, Result> over(Names base, String frame) {
        Map<String, Result> all = new LinkedHashMap<>();
        if (!cleared.containsKey(frame)) {
            all.putAll(base.bound.getOrDefault(frame, Map.of()));
        }
        all.putAll(bound.getOrDefault(frame, Map.of()));
        return all;
    }

    /** Looks a name up along the chain of frames, these changes first. */
    @Nullable Result find(Names base, String frame, UnaryOperator<@Nullable String> parent, String name) {
        for (String at = frame; at != null; at = parent.apply(at)) {
            Result result = bound.getOrDefault(at, Map.of()).get(name);
            if (result == null && !cleared.containsKey(at)) {
                result = base.bound.getOrDefault(at, Map.of()).get(name);
            }
            if (result != null) {
                return result;
            }
        }
        return null;
    }
}
