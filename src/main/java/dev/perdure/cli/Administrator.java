package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options for a role that may create roles. */
@RegisterForReflection
final class Administrator {

    @Option(
            names = "--admin",
            paramLabel = "URL",
            description =
                    "How an administrator reaches the server, who may create roles and owns the database: then the statements are run."
                            + " Default: PERDURE_ADMIN_URL, else they are printed.")
    private @Nullable String url;

    @Option(
            names = "--admin-password",
            paramLabel = "FILE",
            description = "Where the administrator's password stands, in the first line; - is the standard input."
                    + " Without it that of a password file (PGPASSFILE).")
    private @Nullable String passwordFile;

    Administrator() {}

    Optional<DatabaseUrl> url(Secrets secrets) throws IOException {
        String fromEnvironment = System.getenv("PERDURE_ADMIN_URL");
        if (url == null && fromEnvironment == null) {
            return Optional.empty();
        }
        DatabaseUrl parsed = DatabaseUrl.parse(url == null ? fromEnvironment : WorkerSettings.withoutPassword(url));
        return Optional.of(
                passwordFile == null
                        ? parsed
                        : parsed.withUser(parsed.user(), secrets.read(parsed.user(), passwordFile)));
    }
}
