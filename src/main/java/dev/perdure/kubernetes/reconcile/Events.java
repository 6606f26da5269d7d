package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Documents;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.ResourceKind;
import dev.perdure.kubernetes.watch.ServerClock;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Events beside a resource. The name of an event is made of its contents, so that the same contents are one event, from any worker and
 * however often: it is counted, once a minute at most. A courtesy: what it says is in the status too.
 */
@Singleton
class Events {

    static final String NORMAL = "Normal";
    static final String WARNING = "Warning";

    private static final Logger LOG = Logger.getLogger(Events.class);
    private static final String COMPONENT = "perdure";
    private static final int LONGEST_MESSAGE = 1024;
    private static final int LONGEST_NAME = 230;
    private static final Duration AGAIN = Duration.ofMinutes(1);
    private static final int REMEMBERED = 5_000;

    private final ApiServer server;
    private final ServerClock clock;
    private final Map<String, Instant> said = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
            return size() > REMEMBERED;
        }
    };

    Events(ApiServer server, ServerClock clock) {
        this.server = server;
        this.clock = clock;
    }

    void normal(Resource resource, String reason, @Nullable String message) {
        record(resource.key(), resource.uid(), NORMAL, reason, message);
    }

    void warning(Resource resource, String reason, @Nullable String message) {
        record(resource.key(), resource.uid(), WARNING, reason, message);
    }

    void record(ResourceKey key, String uid, String type, String reason, @Nullable String text) {
        String message = Utf8.cut(text == null ? "" : text, LONGEST_MESSAGE);
        String name = name(key.name()) + String.format(Locale.ROOT, ".%08x", Objects.hash(uid, reason, message));
        Instant now = clock.instant();
        if (isNew(name, now)) {
            String path = "/api/v1/namespaces/" + key.namespace() + "/events";
            try {
                create(path, name, key, uid, type, reason, message, StatusDraft.text(now));
            } catch (ApiException e) {
                LOG.debugf("No event %s for %s: %s", reason, key, e.getMessage());
            }
        }
    }

    private void create(
            String path,
            String name,
            ResourceKey key,
            String uid,
            String type,
            String reason,
            String message,
            String now)
            throws ApiException {
        ObjectNode event = Documents.mapper().createObjectNode();
        event.put("apiVersion", "v1").put("kind", "Event");
        event.putObject("metadata").put("name", name).put("namespace", key.namespace());
        event.putObject("involvedObject")
                .put("apiVersion", ResourceKind.API_VERSION)
                .put("kind", key.kind().kind())
                .put("name", key.name())
                .put("namespace", key.namespace())
                .put("uid", uid);
        event.put("type", type).put("reason", reason).put("message", message);
        event.putObject("source").put("component", COMPONENT);
        event.put("reportingComponent", COMPONENT).put("reportingInstance", COMPONENT);
        event.put("firstTimestamp", now).put("lastTimestamp", now).put("count", 1);
        try {
            server.post(path, event);
        } catch (ApiException e) {
            if (!e.isConflict()) {
                throw e;
            }
            ObjectNode again = Documents.mapper().createObjectNode().put("lastTimestamp", now);
            JsonNode present = server.patch(path + "/" + name, again);
            server.patch(
                    path + "/" + name, again.put("count", present.path("count").asInt() + 1));
        }
    }

    private boolean isNew(String name, Instant now) {
        synchronized (said) {
            Instant before = said.get(name);
            if (before != null && Duration.between(before, now).compareTo(AGAIN) < 0) {
                return false;
            }
            said.put(name, now);
            return true;
        }
    }

    /** As much of a resource's name as there is room for; each part of a name ends with a letter or a digit. */
    private static String name(String resource) {
        return resource.substring(0, Math.min(resource.length(), LONGEST_NAME)).replaceAll("[^a-z0-9]+$", "");
    }
}
