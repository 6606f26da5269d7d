package dev.perdure.kubernetes.service;

import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import java.util.List;
import java.util.Optional;

/**
 * The leader's EndpointSlice as this worker wants it: itself alone in it while it leads, itself not in it otherwise. What
 * another worker has written there is left alone by one that does not lead.
 *
 * @param address the address of this worker's pod
 * @param pod the name of this worker's pod
 */
record LeaderSlice(String address, String pod) {

    /** The endpoints that the slice needs; empty when it is right as it is. */
    Optional<List<Endpoint>> change(EndpointSlice slice, boolean leading) {
        List<Endpoint> current = slice.getEndpoints() == null ? List.of() : slice.getEndpoints();
        boolean named =
                current.stream().anyMatch(endpoint -> endpoint.getAddresses().contains(address));
        if (leading) {
            return named && current.size() == 1 ? Optional.empty() : Optional.of(List.of(endpoint(slice)));
        }
        return named ? Optional.of(List.of()) : Optional.empty();
    }

    private Endpoint endpoint(EndpointSlice slice) {
        return new EndpointBuilder()
                .withAddresses(address)
                .withNewConditions()
                .withReady(true)
                .withServing(true)
                .withTerminating(false)
                .endConditions()
                .withNewTargetRef()
                .withKind("Pod")
                .withName(pod)
                .withNamespace(slice.getMetadata().getNamespace())
                .endTargetRef()
                .build();
    }
}
