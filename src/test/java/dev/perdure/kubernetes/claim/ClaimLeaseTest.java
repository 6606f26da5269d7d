package dev.perdure.kubernetes.claim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClaimLeaseTest {

    @Test
    void a_lease_is_called_after_its_worker() {
        assertThat(ClaimLease.name("default")).isEqualTo("perdure-default");
        assertThat(ClaimLease.name("team-a2")).isEqualTo("perdure-team-a2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Default", "with space", "-edge-", "größe", "..", "_", "日本"})
    void a_name_that_kubernetes_does_not_take_is_made_into_one_that_no_other_worker_has(String worker) {
        String name = ClaimLease.name(worker);

        assertThat(name).matches("perdure-[a-z0-9]([-a-z0-9]*[a-z0-9])?").hasSizeLessThan(253);
        assertThat(name)
                .isNotEqualTo(ClaimLease.name(
                        worker.toLowerCase(java.util.Locale.ROOT).replaceAll("[^a-z0-9]", "")));
    }
}
