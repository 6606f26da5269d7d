package dev.perdure.kubernetes.claim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Documents;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** The Lease of a namespace that says which database has the resources of a worker's name. It never expires. */
final class ClaimLease {

    /** The pod that made it, for people who look for the other deployment. */
    private static final String CLAIMED_BY = "perdure.dev/claimed-by";

    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");

    /**
     * The contents of a Lease.
     *
     * @param database its identity; empty where somebody has emptied the Lease
     * @param by the pod that made it
     */
    record Holder(String database, String by) {}

    private final ApiServer server;
    private final String name;

    ClaimLease(ApiServer server, String worker) {
        this.server = server;
        this.name = name(worker);
    }

    /** A worker's name can be any text, that of a Lease cannot. */
    static String name(String worker) {
        if (NAME.matcher(worker).matches()) {
            return "perdure-" + worker;
        }
        String like =
                worker.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return "perdure-" + like + (like.isEmpty() ? "" : "-") + "%08x".formatted(worker.hashCode());
    }

    String name() {
        return name;
    }

    /** Empty where there is no Lease. */
    Optional<Holder> read(String namespace) throws ApiException {
        try {
            return Optional.of(holder(server.get(path(namespace) + "/" + name)));
        } catch (ApiException e) {
            if (e.isNotFound()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Makes the Lease, or finds the one that another worker has made at this moment. */
    Holder claim(String namespace, Holder wanted, Instant now) throws ApiException {
        ObjectNode lease = Documents.mapper().createObjectNode();
        lease.put("apiVersion", "coordination.k8s.io/v1").put("kind", "Lease");
        ObjectNode metadata = lease.putObject("metadata").put("name", name).put("namespace", namespace);
        metadata.putObject("labels").put("app.kubernetes.io/managed-by", "perdure");
        metadata.putObject("annotations").put(CLAIMED_BY, wanted.by());
        lease.putObject("spec")
                .put("holderIdentity", wanted.database())
                // The type of this field wants microseconds.
                .put(
                        "acquireTime",
                        now.truncatedTo(ChronoUnit.SECONDS).toString().replace("Z", ".000000Z"));
        try {
            return holder(server.post(path(namespace), lease));
        } catch (ApiException e) {
            if (e.isConflict()) {
                return holder(server.get(path(namespace) + "/" + name));
            }
            throw e;
        }
    }

    private static Holder holder(JsonNode lease) {
        return new Holder(
                lease.path("spec").path("holderIdentity").asText(),
                lease.path("metadata").path("annotations").path(CLAIMED_BY).asText());
    }

    private static String path(String namespace) {
        return "/apis/coordination.k8s.io/v1/namespaces/" + namespace + "/leases";
    }
}
