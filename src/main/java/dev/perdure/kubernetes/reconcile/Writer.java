package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Documents;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import jakarta.inject.Singleton;
import java.util.Set;

/**
 * Writes statuses and finalizers, on the condition that the resource is as it was read: a decision on an older state must not win, such as
 * one of a former leader.
 */
@Singleton
class Writer {

    private final ApiServer server;
    private final ResourceCache cache;

    Writer(ApiServer server, ResourceCache cache) {
        this.server = server;
        this.cache = cache;
    }

    /**
     * Writes all of a status.
     *
     * @param members of a status: those that it lacks are removed
     */
    Resource status(Resource resource, JsonNode status, Set<String> members) throws ApiException {
        ObjectNode all = Documents.mapper().createObjectNode();
        members.forEach(all::putNull);
        all.setAll((ObjectNode) status);
        ObjectNode patch = patch(resource);
        patch.set("status", all);
        return written(resource, server.patch(resource.key().path() + "/status", patch));
    }

    /** From now on the resource stays until it is released. */
    Resource hold(Resource resource) throws ApiException {
        if (resource.finalizers().contains(DurableWorkflow.FINALIZER)) {
            return resource;
        }
        ArrayNode finalizers = Documents.mapper().createArrayNode();
        resource.finalizers().forEach(finalizers::add);
        return finalizers(resource, finalizers.add(DurableWorkflow.FINALIZER));
    }

    /** The resource may go. */
    Resource release(Resource resource) throws ApiException {
        if (!resource.finalizers().contains(DurableWorkflow.FINALIZER)) {
            return resource;
        }
        ArrayNode finalizers = Documents.mapper().createArrayNode();
        resource.finalizers().stream()
                .filter(finalizer -> !finalizer.equals(DurableWorkflow.FINALIZER))
                .forEach(finalizers::add);
        Resource released = finalizers(resource, finalizers);
        if (released.isDeleting() && finalizers.isEmpty()) {
            // Gone with this; where the worker may not watch any more, nothing else says so.
            cache.remove(resource.key());
        }
        return released;
    }

    /** Creates a resource, or asks the API server whether it would accept it. */
    void create(ResourceKey key, JsonNode document, boolean dryRun) throws ApiException {
        String path = key.kind().path(key.namespace());
        if (dryRun) {
            server.post(path + "?dryRun=All", document);
        } else {
            keep(key, server.post(path, document));
        }
    }

    void delete(ResourceKey key, String uid) throws ApiException {
        server.delete(key, uid);
    }

    private Resource finalizers(Resource resource, ArrayNode finalizers) throws ApiException {
        ObjectNode patch = patch(resource);
        ((ObjectNode) patch.get("metadata")).set("finalizers", finalizers);
        return written(resource, server.patch(resource.key().path(), patch));
    }

    private static ObjectNode patch(Resource resource) {
        ObjectNode patch = Documents.mapper().createObjectNode();
        patch.putObject("metadata").put("uid", resource.uid()).put("resourceVersion", resource.version());
        return patch;
    }

    private Resource written(Resource resource, JsonNode answer) {
        return keep(resource.key(), answer);
    }

    private Resource keep(ResourceKey key, JsonNode answer) {
        return cache.keep(key.kind(), answer);
    }
}
