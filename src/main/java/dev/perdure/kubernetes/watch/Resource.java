package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A resource as the API server has it. Of the metadata, which the API server checks, everything is there; the rest is as
 * somebody wrote it.
 */
public record Resource(ResourceKey key, JsonNode document) {

    /** Reads the metadata of an answer. */
    static Resource of(ResourceKind kind, JsonNode document) {
        JsonNode metadata = document.path("metadata");
        return new Resource(
                new ResourceKey(
                        kind,
                        metadata.path("namespace").asText(),
                        metadata.path("name").asText()),
                document);
    }

    private JsonNode metadata() {
        return document.path("metadata");
    }

    public String uid() {
        return metadata().path("uid").asText();
    }

    public String version() {
        return metadata().path("resourceVersion").asText();
    }

    public long generation() {
        return metadata().path("generation").asLong();
    }

    public Instant createdAt() {
        Instant created = time(metadata().path("creationTimestamp").textValue());
        return created == null ? Instant.EPOCH : created;
    }

    public boolean isDeleting() {
        return metadata().hasNonNull("deletionTimestamp");
    }

    /** The time of its deletion, while it is being deleted. */
    public Instant deletedAt() {
        Instant deleted = time(metadata().path("deletionTimestamp").textValue());
        return deleted == null ? Instant.EPOCH : deleted;
    }

    public List<String> finalizers() {
        List<String> finalizers = new ArrayList<>();
        metadata().path("finalizers").forEach(finalizer -> finalizers.add(finalizer.asText()));
        return finalizers;
    }

    public @Nullable String annotation(String name) {
        return metadata().path("annotations").path(name).textValue();
    }

    /** The UID of the resource that manages this one. */
    public @Nullable String controllerUid() {
        for (JsonNode owner : metadata().path("ownerReferences")) {
            if (owner.path("controller").asBoolean()) {
                return owner.path("uid").textValue();
            }
        }
        return null;
    }

    /** The time at which the fields of the spec with these names were written last, as far as the API server says. */
    public @Nullable Instant writtenAt(List<String> fields) {
        Instant latest = null;
        for (JsonNode entry : metadata().path("managedFields")) {
            JsonNode spec = entry.path("fieldsV1").path("f:spec");
            Instant time = time(entry.path("time").textValue());
            if (time != null
                    && fields.stream().anyMatch(field -> spec.has("f:" + field))
                    && (latest == null || time.isAfter(latest))) {
                latest = time;
            }
        }
        return latest;
    }

    public JsonNode spec() {
        return document.path("spec");
    }

    public JsonNode status() {
        return document.path("status");
    }

    /** The name of the worker that is to handle it. */
    public String worker() {
        return document.at(key.kind().worker()).asText("default");
    }

    /** A time that somebody wrote; null when it is none. */
    public static @Nullable Instant time(@Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
