package dev.perdure.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateKeyFileTest {

    @TempDir
    Path directory;

    @Test
    void a_file_that_only_its_owner_may_read_is_taken_as_it_is() throws IOException {
        Path key = key("rw-------");
        assertThat(PrivateKeyFile.strict(key)).isEqualTo(key);
    }

    @Test
    void a_file_that_everybody_may_read_is_left_to_the_drivers_refusal() throws IOException {
        Path key = key("rw-r--r--");
        assertThat(PrivateKeyFile.strict(key)).isEqualTo(key);
    }

    @Test
    void of_a_mounted_secret_a_private_copy_is_made_once_and_again_when_it_changes() throws IOException {
        Path key = key("r--r-----");
        assumeThat(Files.getOwner(key).getName())
                .as("only root can make a file that belongs to root")
                .isEqualTo("root");

        Path copy = PrivateKeyFile.strict(key);

        assertThat(copy).isNotEqualTo(key).hasSameBinaryContentAs(key);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy.getParent())))
                .isEqualTo("rwx------");
        assertThat(PrivateKeyFile.strict(key)).isEqualTo(copy);

        Files.writeString(key, "renewed");
        Files.setLastModifiedTime(key, FileTime.from(Instant.now().plusSeconds(5)));
        assertThat(PrivateKeyFile.strict(key)).hasContent("renewed");
    }

    private Path key(String permissions) throws IOException {
        Path key = Files.writeString(directory.resolve("tls.key"), "secret");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString(permissions));
        return key;
    }
}
