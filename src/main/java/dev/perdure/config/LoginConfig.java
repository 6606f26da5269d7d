package dev.perdure.config;

import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.hibernate.validator.constraints.time.DurationMin;

/** Logins of the worker as submitters: {@code perdure.login.*}. */
public interface LoginConfig {

    /**
     * A directory with one file for each submitter that holds its password, such as a Kubernetes secret that is mounted.
     * Read each time a session is opened. Names of the files: see security.
     */
    Optional<Path> passwordsDirectory();

    /**
     * The password of the submitter {@code <role>}, when it has no file. Names with other characters than letters, digits
     * and underscores stand in double quotes.
     */
    Map<String, String> passwords();

    /**
     * A step waits while its role cannot be logged in as (a password that changed, NOLOGIN for a moment, too many connections, a
     * standby behind the address), and fails when that has lasted for so long.
     */
    @DurationMin(seconds = 1)
    @WithDefault("24h")
    Duration giveUpAfter();
}
