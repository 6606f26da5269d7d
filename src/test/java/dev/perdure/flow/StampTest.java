package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StampTest {

    @Test
    void scopes_nest_by_generation_and_root_node() {
        Stamp root = Stamp.root("a1b2c3d4");
        assertThat(root.text()).isEqualTo("a1b2c3d4::1");
        assertThat(root.next().child("n").next().next().child("m").text()).isEqualTo("a1b2c3d4::2::n::3::m::1");
        assertThat(Stamp.parse("a::2::n::3")).isEqualTo(new Stamp("a::2::n", 3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a::1", "a::1::n::1", "a::1::n::3::m::1"})
    void these_are_stamps(String text) {
        assertThat(Stamp.isValid(text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "a::x", "a::1::n", "a::1::::1", "a::-1", "a::", "a::9999999999999999999"})
    void these_are_none(String text) {
        assertThat(Stamp.isValid(text)).isFalse();
        assertThat(Stamp.parse(text)).isNull();
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
        assertThat(Stamp.fences(present, incoming)).isEqualTo(drops);
    }
}
