package dev.perdure.kubernetes.service;

import dev.perdure.config.LeaderConfig;
import dev.perdure.config.PerdureConfig;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.net.HttpURLConnection;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Writes this worker's address into the leader's EndpointSlice when it begins to lead, and takes it out when it leads no
 * more. Looks again now and then: somebody may have applied a manifest over it, or the worker that led before was late.
 * An optimistic lock (the resource version) decides between two that write at once. An API server that is away costs a
 * log line and nothing else.
 */
@Singleton
class LeaderEndpoint {

    private static final Logger LOG = Logger.getLogger(LeaderEndpoint.class);
    private static final int EX_CONFIG = 78;
    private static final Duration LOOK_AT_ROLE = Duration.ofMillis(100);
    private static final Duration LOOK_AT_SLICE = Duration.ofSeconds(10);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);
    private static final Duration GOODBYE = Duration.ofSeconds(2);

    private final LeaderConfig config;
    private final Databases databases;
    private final Instance<KubernetesClient> client;
    private volatile boolean ending;
    private @Nullable Thread thread;
    private String said = "";

    LeaderEndpoint(PerdureConfig config, Databases databases, Instance<KubernetesClient> client) {
        this.config = config.leader();
        this.databases = databases;
        this.client = client;
    }

    void begin(@Observes StartupEvent event) {
        if (config.endpointSlice().isEmpty()) {
            return;
        }
        if (databases.areSeveral()) {
            LOG.warn("perdure.leader.endpoint-slice is not used: with several databases, there is no one leader");
            return;
        }
        if (config.podAddress().isEmpty() || config.podName().isEmpty()) {
            LOG.error("perdure.leader.endpoint-slice needs perdure.leader.pod-address and perdure.leader.pod-name, in a"
                    + " Deployment from the fields status.podIP and metadata.name");
            Quarkus.asyncExit(EX_CONFIG);
            return;
        }
        LeaderSlice wanted = new LeaderSlice(
                config.podAddress().orElseThrow(), config.podName().orElseThrow());
        Thread started = new Thread(() -> run(config.endpointSlice().orElseThrow(), wanted), "perdure leader endpoint");
        started.setDaemon(true);
        started.start();
        thread = started;
    }

    void end(@Observes ShutdownEvent event) throws InterruptedException {
        ending = true;
        Thread started = thread;
        if (started != null) {
            started.interrupt();
            started.join(GOODBYE.toMillis());
        }
    }

    private void run(String name, LeaderSlice wanted) {
        @Nullable Boolean known = null; // what the slice says of us; our former self may have left something there
        long next = System.nanoTime();
        while (!ending) {
            Boolean leading = leads();
            if (!leading.equals(known) || (leading && System.nanoTime() - next >= 0)) {
                boolean done = write(name, wanted, leading);
                known = done ? leading : known;
                next = System.nanoTime() + LOOK_AT_SLICE.toNanos();
                pause(done ? LOOK_AT_ROLE : AFTER_FAILURE);
            } else {
                pause(LOOK_AT_ROLE);
            }
        }
        if (Boolean.TRUE.equals(known)) {
            Thread.interrupted(); // the client would not send anything
            write(name, wanted, false);
        }
    }

    private boolean leads() {
        return databases.all().stream().anyMatch(ServedDatabase::isLed);
    }

    private boolean write(String name, LeaderSlice wanted, boolean leading) {
        try {
            KubernetesClient kubernetes = client.get();
            EndpointSlice slice =
                    kubernetes.discovery().v1().endpointSlices().withName(name).get();
            if (slice == null) {
                return failed(name, "it does not exist; k8s/base/leader-service.yaml has it");
            }
            wanted.change(slice, leading)
                    .map(endpoints -> new EndpointSliceBuilder(slice)
                            .withEndpoints(endpoints)
                            .build())
                    .ifPresent(changed -> kubernetes
                            .resource(changed)
                            .lockResourceVersion(slice.getMetadata().getResourceVersion())
                            .update());
            said = "";
            return true;
        } catch (KubernetesClientException e) {
            return e.getCode() != HttpURLConnection.HTTP_CONFLICT && failed(name, String.valueOf(e.getMessage()));
        }
    }

    /** One line for each new reason. */
    private boolean failed(String name, String problem) {
        if (!problem.equals(said)) {
            LOG.warnf(
                    "The EndpointSlice %s cannot be read or changed, so the Service of the leader may lead nowhere; trying"
                            + " again. %s",
                    name, problem);
            said = problem;
        }
        return false;
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // only end() does this, after it has set "ending"
        }
    }
}
