package dev.perdure.database;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogTextTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            division by zero | division by zero
            HTTP GET http://h/a?key=s3cr3t returned 500: the token s3cr3t is wrong | HTTP GET http://h/a?… returned 500
            RACE left branch failed: HTTP_MULTIPART POST https://h/ returned 503: s3cr3t (given up after 3 attempts) | RACE left branch failed: HTTP_MULTIPART POST https://h/ returned 503
            HTTP timeout after 3s: HTTPS://h/x#s3cr3t | HTTP timeout after 3s: HTTPS://h/x?…
            HTTP request failed: http://me:s3cr3t@h:1/x?y - user names are not supported | HTTP request failed: http://h:1/x?… - user names are not supported
            a bill of $1 and a \\backslash | a bill of $1 and a \\backslash
            """)
    void queries_credentials_and_bodies_stay_out(String text, String logged) {
        assertThat(LogText.of(text)).isEqualTo(logged);
    }

    @Test
    void a_line_break_does_not_begin_another_line() {
        assertThat(LogText.of("no\r\n12:00:00 INFO [LeaderElection] all is well\u0085\u2028\u001b[2J\u202e"))
                .isEqualTo("no 12:00:00 INFO [LeaderElection] all is well [2J ");
    }

    @Test
    void a_long_text_is_cut_between_characters() {
        assertThat(LogText.of("x".repeat(499) + "\ud83d\ude00" + "x".repeat(10)))
                .isEqualTo("x".repeat(499) + "… (cut)");
        assertThat(LogText.of(null)).isEmpty();
    }
}
