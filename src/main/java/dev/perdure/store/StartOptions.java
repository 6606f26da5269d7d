package dev.perdure.store;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/** The options of {@code df.start}. */
final class StartOptions {

    private static final JsonMapper JSON = new JsonMapper();

    private StartOptions() {}

    static String json(String key, Map<String, String> vars) {
        ObjectNode options = JSON.createObjectNode().put("idempotency_key", key);
        if (!vars.isEmpty()) {
            ObjectNode values = options.putObject("vars");
            vars.forEach(values::put);
        }
        return options.toString();
    }
}
