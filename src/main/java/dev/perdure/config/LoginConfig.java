package dev.perdure.config;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** How the worker logs in as submitters: {@code perdure.login.*}. */
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
}
