package dev.perdure.kubernetes.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResourceCacheTest {

    @Test
    void documents_are_kept_while_they_are_small_and_there_is_room() {
        ResourceCache cache = new ResourceCache(5_000);
        for (int i = 0; i < 10; i++) {
            cache.keep(ResourceKind.WORKFLOW, resource("small-" + i, "1", 1_000));
        }
        cache.keep(ResourceKind.WORKFLOW, resource("large", "1", 1_000_000));

        assertThat(cache.select(seen -> seen.resource() != null)).hasSizeBetween(3, 5);
        assertThat(cache.select(seen -> true)).hasSize(11);
        for (int i = 0; i < 10; i++) {
            cache.remove(key("small-" + i));
        }
        cache.keep(ResourceKind.WORKFLOW, resource("again", "1", 1_000));
        assertThat(cache.get(key("again")).resource()).as("room was given back").isNotNull();
        assertThat(cache.get(key("large")).resource()).isNull();
    }

    @Test
    void what_is_older_than_what_is_known_does_not_take_its_place() {
        ResourceCache cache = new ResourceCache();
        cache.keep(ResourceKind.WORKFLOW, resource("r", "10", 1));

        cache.put(seen("r", "9"));

        assertThat(cache.get(key("r")).version()).isEqualTo("10");
        assertThat(cache.put(seen("r", "11"))).isTrue();
        assertThat(cache.put(seen("r", "11"))).as("the same again").isFalse();
    }

    /** A run that was created has to be looked at, and its schedule when it has ended: whoever wrote it tells nobody. */
    @Test
    void what_an_answer_brought_of_a_run_is_news_when_a_watch_or_a_list_shows_it_and_once() {
        ResourceCache cache = new ResourceCache();
        cache.keep(ResourceKind.WORKFLOW, run("10"));
        cache.keep(ResourceKind.WORKFLOW, run("11"));

        assertThat(cache.put(seen(run("10"))))
                .as("what is older than the answer")
                .isFalse();
        assertThat(cache.put(seen(run("11")))).isTrue();
        assertThat(cache.put(seen(run("11")))).as("the same again").isFalse();

        cache.keep(ResourceKind.WORKFLOW, run("11"));
        assertThat(cache.put(seen(run("11")))).as("an answer with nothing new").isFalse();

        cache.keep(ResourceKind.WORKFLOW, run("12"));
        assertThat(cache.replace(ResourceKind.WORKFLOW, "team-a", List.of(seen(run("12")))))
                .containsExactly(key("r"));
        assertThat(cache.replace(ResourceKind.WORKFLOW, "team-a", List.of(seen(run("12")))))
                .isEmpty();
    }

    @Test
    void what_was_written_of_another_is_known_to_who_wrote_it() {
        ResourceCache cache = new ResourceCache();
        cache.keep(ResourceKind.WORKFLOW, resource("r", "10", 1));

        assertThat(cache.put(seen("r", "10"))).isFalse();
    }

    /** The second answer has in it what somebody else wrote, and nobody has looked at that. */
    @Test
    void what_somebody_else_has_written_between_two_answers_is_news() {
        ResourceCache cache = new ResourceCache();
        cache.keep(ResourceKind.WORKFLOW, resource("r", "10", 1));
        cache.keep(ResourceKind.WORKFLOW, resource("r", "12", 1));

        assertThat(cache.put(seen("r", "10"))).as("the first answer").isFalse();
        assertThat(cache.put(seen("r", "11"))).as("somebody else").isTrue();
        assertThat(cache.put(seen("r", "12"))).as("the second answer").isFalse();
        assertThat(cache.get(key("r")).version()).isEqualTo("12");
    }

    @Test
    void another_resource_with_the_name_takes_its_place_whatever_its_version() {
        ResourceCache cache = new ResourceCache();
        cache.keep(ResourceKind.WORKFLOW, resource("r", "10", 1));
        ObjectNode other = (ObjectNode) resource("r", "9", 1);
        ((ObjectNode) other.get("metadata")).put("uid", "another");

        assertThat(cache.put(Seen.of(Resource.of(ResourceKind.WORKFLOW, other), 1)))
                .isTrue();
    }

    @Test
    void a_list_tells_what_is_gone() {
        ResourceCache cache = new ResourceCache();
        Seen same = seen("same", "2");
        Seen added = seen("added", "3");
        cache.put(seen("gone", "1"));
        cache.put(same);

        assertThat(cache.replace(ResourceKind.WORKFLOW, "team-a", List.of(same, added)))
                .containsExactlyInAnyOrder(key("gone"), key("added"));
        assertThat(cache.replace(ResourceKind.SCHEDULE, "team-a", List.of())).isEmpty();
    }

    private static Seen seen(String name, String version) {
        return seen(resource(name, version, 1));
    }

    private static Seen seen(JsonNode resource) {
        return Seen.of(Resource.of(ResourceKind.WORKFLOW, resource), 1);
    }

    private static JsonNode run(String version) {
        ObjectNode run = (ObjectNode) resource("r", version, 1);
        ((ObjectNode) run.get("metadata"))
                .putArray("ownerReferences")
                .addObject()
                .put("uid", "schedule")
                .put("controller", true);
        return run;
    }

    private static ResourceKey key(String name) {
        return new ResourceKey(ResourceKind.WORKFLOW, "team-a", name);
    }

    private static JsonNode resource(String name, String version, int size) {
        ObjectNode resource = Documents.mapper().createObjectNode();
        resource.putObject("metadata")
                .put("name", name)
                .put("namespace", "team-a")
                .put("uid", name)
                .put("resourceVersion", version)
                .put("creationTimestamp", "2026-01-01T00:00:00Z");
        resource.putObject("spec").put("expression", "x".repeat(size));
        return resource;
    }
}
