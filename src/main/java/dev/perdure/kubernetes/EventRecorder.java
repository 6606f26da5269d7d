package dev.perdure.kubernetes;

import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import org.jboss.logging.Logger;

/**
 * Events beside a resource. The name of an event is made of what it says, so that the same thing is said once, whoever says it
 * and however often a reconciliation is repeated; creating is the only right that this needs.
 */
final class EventRecorder {

    static final String NORMAL = "Normal";
    static final String WARNING = "Warning";

    private static final Logger LOG = Logger.getLogger(EventRecorder.class);
    private static final String COMPONENT = "perdure";
    private static final int LONGEST_MESSAGE = 1024;
    private static final int LONGEST_NAME = 230;

    private EventRecorder() {}

    static void record(KubernetesClient client, HasMetadata resource, String type, String reason, String message) {
        String namespace = resource.getMetadata().getNamespace();
        String name = resource.getMetadata().getName();
        String now = StatusDraft.text(Instant.now());
        int said = Objects.hash(resource.getMetadata().getUid(), reason, message);
        try {
            client.v1()
                    .events()
                    .inNamespace(namespace)
                    .resource(new EventBuilder()
                            .withNewMetadata()
                            .withName(name.substring(0, Math.min(name.length(), LONGEST_NAME))
                                    + String.format(Locale.ROOT, ".%08x", said))
                            .withNamespace(namespace)
                            .endMetadata()
                            .withNewInvolvedObject()
                            .withApiVersion(resource.getApiVersion())
                            .withKind(resource.getKind())
                            .withName(name)
                            .withNamespace(namespace)
                            .withUid(resource.getMetadata().getUid())
                            .endInvolvedObject()
                            .withType(type)
                            .withReason(reason)
                            .withMessage(Utf8.cut(message, LONGEST_MESSAGE))
                            .withNewSource()
                            .withComponent(COMPONENT)
                            .endSource()
                            .withReportingComponent(COMPONENT)
                            .withReportingInstance(COMPONENT)
                            .withFirstTimestamp(now)
                            .withLastTimestamp(now)
                            .withCount(1)
                            .build())
                    .create();
        } catch (KubernetesClientException e) {
            if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
                // An event is a courtesy; what it says is in the status too.
                LOG.warnf("No event %s for %s/%s: %s", reason, namespace, name, e.getMessage());
            }
        }
    }
}
