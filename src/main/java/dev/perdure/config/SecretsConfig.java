package dev.perdure.config;

import java.nio.file.Path;
import java.util.Optional;

/** Secrets that HTTP steps may refer to: {@code perdure.secrets.*}. */
public interface SecretsConfig {

    /** The directory of secrets, one file each, as Kubernetes and Docker mount them. The secret `a/b` is the file `b` in `a`. */
    Optional<Path> directory();
}
