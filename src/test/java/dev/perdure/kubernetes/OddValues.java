package dev.perdure.kubernetes;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * For each field of a custom resource definition, manifests that hold the largest and the oddest values there that fit its type:
 * what its bounds do not exclude, the API server takes.
 */
final class OddValues {

    /** Reads and writes whatever an API server can hold. */
    static final JsonMapper JSON = new JsonMapper(com.fasterxml.jackson.core.JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(100_000)
                    .maxNameLength(10_000_000)
                    .maxNumberLength(10_000)
                    .build())
            .streamWriteConstraints(
                    StreamWriteConstraints.builder().maxNestingDepth(100_000).build())
            .build());

    private static final int DEPTH = 3_000;

    private OddValues() {}

    /** A manifest and what is odd about it. */
    record Odd(String what, ObjectNode manifest) {
        @Override
        public String toString() {
            return what;
        }
    }

    /** Of each field below {@code spec} and the metadata of a template. */
    static List<Odd> of(String definition, ObjectNode base) {
        try {
            JsonNode schema = Serialization.unmarshal(
                            Files.readString(Path.of("k8s", "crds", definition + ".perdure.dev.yaml")), JsonNode.class)
                    .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
            List<Odd> all = new ArrayList<>();
            walk("spec", schema, base, List.of("spec"), all);
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void walk(String path, JsonNode schema, ObjectNode base, List<Object> place, List<Odd> all) {
        if (!place.equals(List.of("spec"))) {
            values(schema).forEach((name, value) -> all.add(new Odd(path + " = " + name, with(base, place, value))));
        }
        schema.path("properties").properties().forEach(field -> {
            if (field.getKey().equals("worker")) {
                return; // What is for another worker is left alone.
            }
            List<Object> inside = new ArrayList<>(place);
            inside.add(field.getKey());
            walk(path + "." + field.getKey(), field.getValue(), base, inside, all);
        });
        if (schema.path("items").has("properties")) {
            List<Object> inside = new ArrayList<>(place);
            inside.add(0);
            walk(path + "[0]", schema.get("items"), base, inside, all);
        }
    }

    private static Map<String, JsonNode> values(JsonNode schema) {
        Map<String, JsonNode> values = new LinkedHashMap<>();
        switch (schema.path("type").asText("any")) {
            case "integer" -> integers(schema, values);
            case "number" -> {
                values.put("the largest double", JSON.getNodeFactory().numberNode(Double.MAX_VALUE));
                values.put("a number of many digits", number("1.00000000000000000000000000000000000000000001"));
            }
            case "string" -> {
                if (schema.has("enum")) {
                    values.put("a word that is none", text("Sometimes"));
                } else {
                    values.put(
                            "a text of the largest size",
                            text("x".repeat(schema.path("maxLength").asInt(300_000))));
                    values.put("signs outside of the plane", text("\uD83D\uDE00\u0001\u2028'\"\\{{secret:a/b}}$x{y}"));
                }
            }
            case "boolean" -> values.put("true", JSON.getNodeFactory().booleanNode(true));
            case "object" -> {
                values.put("an empty object", JSON.createObjectNode());
                values.put("a long key", JSON.createObjectNode().put("k".repeat(60_000), "v"));
                values.put("an object of odd values", odd());
            }
            case "array" -> values.put("an empty list", JSON.createArrayNode());
            default -> {
                values.put("great depth", deep());
                values.put("a long key", JSON.createObjectNode().put("k".repeat(60_000), 1));
                values.put("a large number", number("1e300"));
                values.put("a large whole number", number("12345678901234567890"));
                values.put("an object of odd values", odd());
            }
        }
        if (schema.path("x-kubernetes-preserve-unknown-fields").asBoolean()) {
            values.put(
                    "an unknown field of great depth", JSON.createObjectNode().set("unknown", deep()));
        }
        if (schema.path("items").path("x-kubernetes-preserve-unknown-fields").asBoolean()) {
            values.put(
                    "a list of great depth",
                    JSON.createArrayNode().add(JSON.createObjectNode().set("steps", deep())));
        }
        if (schema.path("nullable").asBoolean()) {
            values.put("null", JSON.nullNode());
        }
        return values;
    }

    private static void integers(JsonNode schema, Map<String, JsonNode> values) {
        if (schema.has("maximum")) {
            values.put(
                    "its maximum", number(new BigDecimal(schema.get("maximum").asText()).toPlainString()));
        }
        for (String number : List.of(
                "3000000000",
                String.valueOf(Long.MAX_VALUE),
                String.valueOf(Long.MIN_VALUE),
                "100000000000000000000",
                "1e18",
                "2.0")) {
            values.put(number, number(number));
        }
    }

    private static JsonNode odd() {
        ObjectNode odd = JSON.createObjectNode();
        odd.put("", 1);
        odd.put("a.b/c", "d");
        odd.set("list", JSON.createArrayNode().add(JSON.nullNode()).add(number("1e300")));
        odd.set("large", JSON.getNodeFactory().numberNode(BigInteger.valueOf(Long.MAX_VALUE)));
        return odd;
    }

    private static JsonNode deep() {
        ObjectNode root = JSON.createObjectNode();
        ObjectNode inner = root;
        for (int i = 0; i < DEPTH; i++) {
            inner = inner.putObject("d");
        }
        return root;
    }

    private static JsonNode text(String text) {
        return JSON.getNodeFactory().textNode(text);
    }

    private static JsonNode number(String number) {
        return JSON.getNodeFactory().rawValueNode(new com.fasterxml.jackson.databind.util.RawValue(number));
    }

    private static ObjectNode with(ObjectNode base, List<Object> place, JsonNode value) {
        ObjectNode copy = base.deepCopy();
        JsonNode at = copy;
        for (int i = 0; i < place.size() - 1; i++) {
            at = place.get(i) instanceof String key ? member((ObjectNode) at, key, place.get(i + 1)) : first(at);
        }
        Object last = place.get(place.size() - 1);
        if (last instanceof String key) {
            ((ObjectNode) at).set(key, value);
        } else {
            ((ArrayNode) at).removeAll().add(value);
        }
        return copy;
    }

    private static JsonNode member(ObjectNode object, String key, Object next) {
        if (!object.has(key)) {
            // A step has one kind.
            if (next instanceof Integer) {
                object.putArray(key);
            } else {
                object.setAll(KINDS.getOrDefault(key, JSON.createObjectNode()).deepCopy());
                if (KINDS.containsKey(key)) {
                    object.remove("sql");
                } else {
                    object.putObject(key);
                }
            }
        }
        return object.get(key);
    }

    private static JsonNode first(JsonNode list) {
        if (list.isEmpty()) {
            ((ArrayNode) list).addObject();
        }
        return list.get(0);
    }

    /** A valid step of each kind that has members. */
    private static final Map<String, ObjectNode> KINDS = Map.of(
            "http", step("{\"http\":{\"url\":\"http://localhost:1/\"}}"),
            "multipart",
                    step(
                            "{\"multipart\":{\"url\":\"http://localhost:1/\",\"parts\":[{\"name\":\"a\",\"data_b64\":\"\"}]}}"),
            "schedule", step("{\"schedule\":{\"cron\":\"0 0 1 1 *\"}}"),
            "signal", step("{\"signal\":{\"name\":\"s\",\"timeout\":1}}"),
            "waitForEvent", step("{\"waitForEvent\":{\"instance\":\"i\",\"name\":\"s\",\"timeout\":1}}"),
            "if", step("{\"if\":{\"condition\":\"SELECT true\",\"then\":[{\"sql\":\"SELECT 1\"}]}}"),
            "until", step("{\"until\":{\"sql\":\"SELECT true\",\"every\":1}}"),
            "loop", step("{\"loop\":{\"steps\":[{\"break\":{}}]}}"),
            "retry", step("{\"retry\":{\"steps\":[{\"sql\":\"SELECT 1\"}]}}"));

    private static ObjectNode step(String json) {
        try {
            return (ObjectNode) JSON.readTree(json);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
