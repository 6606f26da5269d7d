package dev.perdure.kubernetes.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class LeaderSliceTest {

    private final LeaderSlice wanted = new LeaderSlice("10.0.0.7", "perdure-a");

    @Test
    void the_leader_puts_itself_into_an_empty_slice() {
        List<Endpoint> endpoints = wanted.change(slice(), true).orElseThrow();

        assertThat(endpoints).singleElement().satisfies(endpoint -> {
            assertThat(endpoint.getAddresses()).containsExactly("10.0.0.7");
            assertThat(endpoint.getConditions().getReady()).isTrue();
            assertThat(endpoint.getTargetRef().getName()).isEqualTo("perdure-a");
            assertThat(endpoint.getTargetRef().getNamespace()).isEqualTo("team");
        });
    }

    @Test
    void the_leader_replaces_the_one_before_it() {
        assertThat(wanted.change(slice("10.0.0.9"), true).orElseThrow())
                .extracting(Endpoint::getAddresses)
                .containsExactly(List.of("10.0.0.7"));
        assertThat(wanted.change(slice("10.0.0.9", "10.0.0.7"), true).orElseThrow())
                .extracting(Endpoint::getAddresses)
                .containsExactly(List.of("10.0.0.7"));
    }

    @Test
    void nothing_is_written_when_the_slice_is_right() {
        assertThat(wanted.change(slice("10.0.0.7"), true)).isEmpty();
        assertThat(wanted.change(slice(), false)).isEmpty();
    }

    @Test
    void a_worker_that_leads_no_more_takes_itself_out_and_leaves_another_alone() {
        assertThat(wanted.change(slice("10.0.0.7"), false).orElseThrow()).isEmpty();
        assertThat(wanted.change(slice("10.0.0.9"), false)).isEmpty();
    }

    @Test
    void a_slice_without_the_member_endpoints_counts_as_empty() {
        EndpointSlice slice = slice();
        slice.setEndpoints(null);
        assertThat(wanted.change(slice, false)).isEmpty();
        assertThat(wanted.change(slice, true)).isPresent();
    }

    private static EndpointSlice slice(String... addresses) {
        return new EndpointSliceBuilder()
                .withNewMetadata()
                .withName("perdure-leader")
                .withNamespace("team")
                .endMetadata()
                .withEndpoints(Arrays.stream(addresses)
                        .map(address -> {
                            Endpoint endpoint = new Endpoint();
                            endpoint.setAddresses(List.of(address));
                            return endpoint;
                        })
                        .toList())
                .build();
    }
}
