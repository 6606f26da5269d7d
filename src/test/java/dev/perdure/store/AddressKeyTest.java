package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.template.Addresses;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressKeyTest {

    private static final AddressKey KEY = key(1, 7);
    private static final Address ADDRESS = new Address(
            Addresses.SIGNAL, "0123abcd::1::89ab4567::12", "76543210", "0f".repeat(16), 1_800_000_000L, "go/ahead é");

    private static AddressKey key(int number, int fill) {
        byte[] bytes = new byte[32];
        java.util.Arrays.fill(bytes, (byte) fill);
        return new AddressKey(number, bytes);
    }

    private static String signed() {
        return Objects.requireNonNull(KEY.sign(ADDRESS));
    }

    @Test
    void what_a_key_has_signed_it_opens_and_no_other_does() {
        assertThat(KEY.open(signed())).isEqualTo(ADDRESS);
        assertThat(ADDRESS.instance()).isEqualTo("0123abcd");
        assertThat(key(1, 8).open(signed())).isNull();
        assertThat(key(2, 7).open(signed())).isNull();
    }

    @Test
    void an_address_is_made_of_characters_that_need_no_quoting_anywhere() {
        assertThat(signed()).matches("[A-Za-z0-9._-]{100,300}");
    }

    @Test
    void no_character_can_be_changed_left_out_or_added() {
        String signed = signed();
        for (int i = 0; i < signed.length(); i++) {
            for (char other : new char[] {'A', 'B', '-', '.', '=', '+', '/', ' ', 'é'}) {
                if (signed.charAt(i) != other) {
                    String changed = signed.substring(0, i) + other + signed.substring(i + 1);
                    assertThat(KEY.open(changed)).as(changed).isNull();
                }
            }
            assertThat(KEY.open(signed.substring(0, i))).isNull();
            assertThat(KEY.open(signed.substring(0, i) + signed.substring(i + 1)))
                    .isNull();
        }
        assertThat(KEY.open(signed + "=")).isNull();
        assertThat(KEY.open(signed + "A")).isNull();
        assertThat(KEY.open("0" + signed)).as("another way to write the number").isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "..",
                "1",
                "1.",
                "1..",
                "1.a.",
                "a.b.c",
                "-1.b.c",
                "1.a.b.c",
                "99999999999.a.b",
                "1.\u0000.b"
            })
    void what_is_no_address_opens_nothing(String text) {
        assertThat(KEY.open(text)).isNull();
    }

    @Test
    void one_that_would_not_pass_a_proxy_is_not_made() {
        Address deep = new Address(
                Addresses.DECISION, "0123abcd::1" + "::89ab4567::1".repeat(200), "76543210", "0f".repeat(16), 1, "x");
        assertThat(KEY.sign(deep)).isNull();
    }

    @Test
    void a_key_is_not_shown() {
        assertThat(KEY).hasToString("address key 1");
    }
}
