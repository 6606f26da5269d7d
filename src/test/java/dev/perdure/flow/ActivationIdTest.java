package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ActivationIdTest {

    @Test
    void scopes_nest_by_generation_and_root_node() {
        ActivationId root = ActivationId.root("a1b2c3d4");
        assertThat(root.text()).isEqualTo("a1b2c3d4::1");
        assertThat(root.next().child("n").next().next().child("m").text()).isEqualTo("a1b2c3d4::2::n::3::m::1");
        assertThat(ActivationId.parse("a::2::n::3")).isEqualTo(new ActivationId("a::2::n", 3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a::1", "a::1::n::1", "a::1::n::3::m::1"})
    void these_are_stamps(String text) {
        assertThat(ActivationId.isValid(text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "a::x", "a::1::n", "a::1::::1", "a::-1", "a::", "a::9999999999999999999"})
    void these_are_none(String text) {
        assertThat(ActivationId.isValid(text)).isFalse();
        assertThat(ActivationId.parse(text)).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "a::2,          a::1,          true",
        "a::1,          a::2,          false",
        "a::1,          a::1,          false",
        "a::1::n::3,    a::1::n::2,    true",
        "a::1::n::3,    a::1::m::1,    false",
        "a::2::n::1,    a::1::n::9,    true",
        "a::1,          a::1::n::1,    false",
        "a::1::n::5,    a::1,          false",
        "a::2::n::5,    a::1,          true",
        "junk,          a::1,          false",
        "a::5,          junk,          false",
        "a::10,         a::9,          true",
    })
    void the_fence_drops_a_write_that_the_row_proves_obsolete(String present, String incoming, boolean drops) {
        assertThat(ActivationId.fences(present, incoming)).isEqualTo(drops);
    }
}
