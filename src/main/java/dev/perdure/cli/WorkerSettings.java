package dev.perdure.cli;

import dev.perdure.config.PlainSettings;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.session.PasswordFiles;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.SubmitterLogin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Settings that a worker started here would have, read without starting one.
 */
final class WorkerSettings {

    /** Sessions of the worker besides those of steps: docs/operations.md, Limits. */
    private static final int OWN_SESSIONS = 10;

    private final PlainSettings settings = PlainSettings.read();

    WorkerSettings() {}

    /**
     * The worker's URL.
     *
     * @param named on the command line
     */
    DatabaseUrl url(@Nullable String named) {
        String url = named == null ? value("perdure.database.url").orElse(null) : withoutPassword(named);
        if (url == null) {
            throw new UsageException(
                    "Which database? Name the worker's URL, in PERDURE_DATABASE_URL or with --url, for example"
                            + " postgresql://df_worker@db.example.org/app?sslmode=verify-full&sslrootcert=ca.pem");
        }
        return DatabaseUrl.parse(url);
    }

    /** Whatever stands on a command line can be read by everybody on the machine. */
    static String withoutPassword(String url) {
        if (DatabaseUrl.parse(url).password().isPresent()) {
            throw new UsageException(
                    "A password on the command line can be read by everybody on this machine. Put it into a"
                            + " password file (passfile in the URL, or PGPASSFILE), or the whole URL into the environment");
        }
        return url;
    }

    /** How the worker would log in as submitters. */
    SubmitterLogin login() {
        List<PasswordSource> sources = new ArrayList<>();
        value("perdure.login.passwords-directory")
                .ifPresent(directory -> sources.add(new PasswordFiles(Path.of(directory))));
        sources.add(role ->
                value("perdure.login.passwords." + role).or(() -> value("perdure.login.passwords.\"" + role + '"')));
        return SubmitterLogin.withPasswords(sources);
    }

    boolean hasPasswords() {
        return value("perdure.login.passwords-directory").isPresent();
    }

    int sessions() {
        return settings.number("perdure.step.max-concurrent", 32)
                + settings.number("perdure.step.role-reserve", 32)
                + OWN_SESSIONS;
    }

    private Optional<String> value(String name) {
        return settings.value(name);
    }
}
