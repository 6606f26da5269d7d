package dev.perdure.web.login;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Whoever reads the table of logins reads no password. */
class SealedTest {

    private static final String PASSWORD = "a password of somebody's";

    @Test
    void what_is_kept_does_not_contain_the_password_nor_the_secret() throws Exception {
        String secret = Sealed.randomText();
        Sealed sealed = Sealed.seal(PASSWORD, secret);

        ByteArrayOutputStream kept = new ByteArrayOutputStream();
        for (Field field : Sealed.class.getDeclaredFields()) {
            if (field.getType() == byte[].class) {
                field.setAccessible(true);
                kept.writeBytes((byte[]) field.get(sealed));
            }
        }
        assertThat(kept.size()).isGreaterThan(PASSWORD.length());
        assertThat(kept.toString(StandardCharsets.ISO_8859_1))
                .doesNotContain(PASSWORD)
                .doesNotContain(secret);
        assertThat(sealed.open(secret)).isEqualTo(PASSWORD);
    }

    @Test
    void another_secret_opens_nothing_and_the_same_password_is_sealed_anew_each_time() {
        String secret = Sealed.randomText();
        Sealed sealed = Sealed.seal(PASSWORD, secret);

        assertThatThrownBy(() -> sealed.open(Sealed.randomText())).isInstanceOf(IllegalStateException.class);
        assertThat(Sealed.seal(PASSWORD, secret)).usingRecursiveComparison().isNotEqualTo(sealed);
    }
}
