package dev.perdure.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The committed files are what the model means. */
class CrdFilesTest {

    @Test
    void the_committed_definitions_are_those_of_the_model() throws IOException {
        Map<String, String> generated = CrdFiles.generated();
        if (Boolean.getBoolean("perdure.crds.write")) {
            Files.createDirectories(CrdFiles.FOLDER);
            for (Map.Entry<String, String> file : generated.entrySet()) {
                Files.writeString(CrdFiles.FOLDER.resolve(file.getKey()), file.getValue());
            }
        }
        Map<String, String> committed = new TreeMap<>();
        try (Stream<Path> files = Files.list(CrdFiles.FOLDER)) {
            for (Path file :
                    files.filter(f -> !f.endsWith("kustomization.yaml")).toList()) {
                committed.put(file.getFileName().toString(), Files.readString(file));
            }
        }

        assertThat(committed).containsExactlyEntriesOf(generated);
    }

    @Test
    void every_field_has_a_description() {
        List<String> silent = new ArrayList<>();
        CrdFiles.generated().forEach((name, text) -> {
            JsonNode schema = Serialization.unmarshal(text, JsonNode.class)
                    .at("/spec/versions/0/schema/openAPIV3Schema/properties");
            collect(name + " spec", schema.get("spec"), silent);
            collect(name + " status", schema.get("status"), silent);
        });

        assertThat(silent).isEmpty();
    }

    @Test
    void every_field_has_a_type_but_those_that_may_be_anything_and_every_number_has_bounds() {
        List<String> untyped = new ArrayList<>();
        List<String> unbounded = new ArrayList<>();
        CrdFiles.generated().forEach((name, text) -> {
            JsonNode schema = Serialization.unmarshal(text, JsonNode.class)
                    .at("/spec/versions/0/schema/openAPIV3Schema/properties");
            check("spec", schema.get("spec"), untyped, unbounded);
            check("status", schema.get("status"), untyped, unbounded);
        });

        assertThat(untyped)
                .allMatch(path -> path.matches(
                        ".*\\.(if\\.condition|http\\.body|break|httpOptions\\.responseHeaders|args|payload)"));
        assertThat(unbounded).isEmpty();
    }

    private static void check(String path, JsonNode schema, List<String> untyped, List<String> unbounded) {
        String type = schema.path("type").asText();
        if (type.isEmpty() && !schema.path("x-kubernetes-int-or-string").asBoolean()) {
            untyped.add(path);
        }
        if ((type.equals("integer") || type.equals("number")) && !(schema.has("minimum") && schema.has("maximum"))) {
            unbounded.add(path);
        }
        schema.path("properties")
                .properties()
                .forEach(field -> check(path + "." + field.getKey(), field.getValue(), untyped, unbounded));
        if (schema.has("items")) {
            check(path + "[]", schema.get("items"), untyped, unbounded);
        }
    }

    private static void collect(String path, JsonNode schema, List<String> silent) {
        JsonNode object = schema.has("items") ? schema.get("items") : schema;
        object.path("properties").properties().forEach(field -> {
            if (field.getValue().path("description").asText().isBlank()) {
                silent.add(path + "." + field.getKey());
            }
            collect(path + "." + field.getKey(), field.getValue(), silent);
        });
    }
}
