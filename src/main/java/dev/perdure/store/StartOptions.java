package dev.perdure.store;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The options of {@code df.start}. */
final class StartOptions {

    private static final JsonMapper JSON = new JsonMapper();

    private StartOptions() {}

    static String json(Submission submission) {
        ObjectNode options = JSON.createObjectNode().put("idempotency_key", submission.key());
        if (!submission.vars().isEmpty()) {
            ObjectNode values = options.putObject("vars");
            submission.vars().forEach(values::put);
        }
        Submission.Queue queue = submission.queue();
        if (queue != null) {
            options.put("queue", queue.name());
            if (queue.key() != null) {
                options.put("key", queue.key());
            }
            if (queue.priority() != null) {
                options.put("priority", queue.priority());
            }
        }
        if (!submission.attributes().isEmpty()) {
            options.putObject("attributes").setAll(submission.attributes());
        }
        return options.toString();
    }
}
