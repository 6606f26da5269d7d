package dev.perdure.step.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.flow.template.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Secrets are files, and nothing that is waited for. */
class SecretDirectoryTest {

    @TempDir
    private Path directory;

    private HttpRequest resolve(String secret) throws HttpStepException {
        // As the rule marks a reference that the submitter wrote.
        HttpRequest request =
                new HttpRequest.Plain("http://localhost/", "GET", null, Map.of("X", "\0secret:" + secret + "\0"), 1);
        return new SecretDirectory(Optional.of(directory)).resolve(request);
    }

    @Test
    void a_file_is_read_without_the_end_of_its_line() throws Exception {
        Files.writeString(directory.resolve("token"), "s3cret\n");

        assertThat(((HttpRequest.Plain) resolve("token")).headers()).containsEntry("X", "s3cret");
    }

    @Test
    void a_pipe_is_refused_at_once() throws Exception {
        Process made = new ProcessBuilder("mkfifo", directory.resolve("pipe").toString()).start();
        assertThat(made.waitFor()).isZero();

        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> assertThatThrownBy(() -> resolve("pipe"))
                .hasMessageContaining("is no file"));
    }
}
