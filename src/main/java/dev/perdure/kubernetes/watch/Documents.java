package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * JSON as the API server writes it. It keeps documents whose depth, names and numbers are beyond what readers allow by default;
 * their size it bounds itself (1.5 MB), so nothing else needs a bound here.
 */
public final class Documents {

    /** Deeper than any workflow may be nested, and no trouble for code that descends by recursion. */
    public static final int DEPTH = 900;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(Integer.MAX_VALUE)
                            .maxNameLength(Integer.MAX_VALUE)
                            .maxNumberLength(Integer.MAX_VALUE)
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Documents() {}

    /** For values between trees and classes of {@code kubernetes.api}. */
    public static JsonMapper mapper() {
        return JSON;
    }

    static JsonNode read(byte[] text) throws IOException {
        return JSON.readTree(text);
    }

    /** The text of a value that was made here, and so has no depth. */
    static String text(JsonNode value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a document is nested deeper than {@link #DEPTH}. Without recursion. */
    public static boolean isTooDeep(JsonNode document) {
        Deque<JsonNode> level = new ArrayDeque<>();
        level.add(document);
        for (int depth = 0; !level.isEmpty(); depth++) {
            if (depth > DEPTH) {
                return true;
            }
            Deque<JsonNode> next = new ArrayDeque<>();
            for (JsonNode node : level) {
                node.forEach(inner -> {
                    if (inner.isContainerNode()) {
                        next.add(inner);
                    }
                });
            }
            level = next;
        }
        return false;
    }
}
