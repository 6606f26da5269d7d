package dev.perdure.web.live;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.api.Call;
import dev.perdure.web.api.Follow;
import dev.perdure.web.api.Follow.Changed;
import dev.perdure.web.api.Follow.Reading;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The readings for all streams of one role that follow the same thing, and the changes that they have been told. */
final class Watch {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Follow follow;
    private final Call call;
    private final List<Subscriber> subscribers = new ArrayList<>();
    private @Nullable String cursor;
    private Map<String, Changed> told = Map.of();
    private String worker = "";
    private boolean away;
    private long dueAt;

    Watch(Follow follow, Call call) {
        this.follow = follow;
        this.call = call;
    }

    Follow follow() {
        return follow;
    }

    Call call() {
        return call;
    }

    @Nullable String cursor() {
        return cursor;
    }

    List<Subscriber> subscribers() {
        return subscribers;
    }

    long dueAt() {
        return dueAt;
    }

    void dueAt(long time) {
        dueAt = time;
    }

    /** Tells a new stream the changes of a reading from its own cursor. */
    void begin(Subscriber subscriber, Reading reading, boolean since) {
        subscriber.begin();
        subscriber.tell("worker", reading.cursor(), reading.worker());
        if (since && !reading.changes().isEmpty()) {
            subscriber.tell(
                    "changed",
                    reading.cursor(),
                    document(List.copyOf(reading.changes().values()), reading.more()));
        }
        if (cursor == null) {
            cursor = reading.cursor();
            worker = reading.worker();
        }
        subscriber.catchUp();
    }

    /** Tells each stream the changes that it has not been told. */
    void tell(Reading reading) {
        List<Changed> news = new ArrayList<>();
        reading.changes().forEach((id, change) -> {
            Changed before = told.get(id);
            if (before == null || !before.stamp().equals(change.stamp())) {
                news.add(change);
            }
        });
        cursor = reading.cursor();
        told = reading.changes();
        if (away || !worker.equals(reading.worker())) {
            away = false;
            worker = reading.worker();
            subscribers.forEach(each -> each.tell("worker", reading.cursor(), worker));
        }
        if (!news.isEmpty()) {
            String document = document(news, reading.more());
            subscribers.forEach(each -> each.tell("changed", reading.cursor(), document));
        }
    }

    /** Tells everybody, once, that nothing can be read. */
    void away(String problem) {
        if (!away) {
            away = true;
            String data = JSON.createObjectNode().put("title", problem).toString();
            String id = cursor == null ? "" : cursor;
            subscribers.forEach(each -> each.tell("away", id, data));
        }
    }

    private static String document(List<Changed> changes, boolean more) {
        ObjectNode document = JSON.createObjectNode();
        ArrayNode instances = document.putArray("instances");
        for (Changed change : changes) {
            JsonNode event = change.event();
            instances.add(event);
        }
        return document.put("more", more).toString();
    }
}
