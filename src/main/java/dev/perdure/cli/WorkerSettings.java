package dev.perdure.cli;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PlainSettings;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.session.PasswordFiles;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.SubmitterLogin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Settings that a worker started here would have, for one of its databases, read without starting one.
 */
final class WorkerSettings {

    /** Sessions of the worker besides those of steps: docs/operations.md, Limits. */
    private static final int OWN_SESSIONS = 10;

    private static final String URL = "perdure.database.url";
    private static final Pattern URL_OF_ONE = Pattern.compile("perdure\\.databases\\.\"?([^.\"]+)\"?\\.url");
    private static final Pattern URL_IN_ENVIRONMENT = Pattern.compile("PERDURE_DATABASES_(.+)_URL");

    private final PlainSettings settings = PlainSettings.read();
    private final String database;
    private final String own;

    /**
     * The settings for a database.
     *
     * @param chosen its name on the command line; null for the only one, or the one without a name
     */
    WorkerSettings(@Nullable String chosen) {
        database = chosen == null ? unnamed() : checked(chosen);
        own = "perdure.databases." + database + '.';
    }

    /** The one of perdure.database.url; where there is none, the only one with a name. */
    private String unnamed() {
        TreeSet<String> names = names();
        return names.size() == 1 && settings.value(URL).isEmpty() ? names.first() : DatabaseOptions.DEFAULT;
    }

    private static String checked(String name) {
        if (!DatabaseOptions.isName(name)) {
            throw new UsageException(
                    "--database " + name + ": the name of a database has small letters, digits and hyphens");
        }
        return name;
    }

    private TreeSet<String> names() {
        TreeSet<String> names = new TreeSet<>();
        for (String setting : settings.names()) {
            Matcher written = URL_OF_ONE.matcher(setting);
            Matcher variable = URL_IN_ENVIRONMENT.matcher(setting);
            if (written.matches()) {
                names.add(written.group(1));
            } else if (variable.matches()) {
                names.add(variable.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("^_|_$", "")
                        .replace('_', '-'));
            }
        }
        return names;
    }

    /**
     * The worker's URL.
     *
     * @param named on the command line
     */
    DatabaseUrl url(@Nullable String named) {
        if (named != null) {
            return DatabaseUrl.parse(withoutPassword(named));
        }
        Optional<String> url = ofOne("url")
                .or(() -> database.equals(DatabaseOptions.DEFAULT) ? settings.value(URL) : Optional.empty());
        return DatabaseUrl.parse(url.orElseThrow(this::noUrl));
    }

    private UsageException noUrl() {
        TreeSet<String> names = names();
        if (!database.equals(DatabaseOptions.DEFAULT)) {
            return new UsageException("There is no database " + database + ": " + own + "url is not set"
                    + (names.isEmpty() ? "" : "; there are: " + String.join(", ", names)));
        }
        return new UsageException(
                names.isEmpty()
                        ? "Which database? Name the worker's URL, in PERDURE_DATABASE_URL or with --url, for example"
                                + " postgresql://df_worker@db.example.org/app?sslmode=verify-full&sslrootcert=ca.pem"
                        : "Which database? --database names one of: " + String.join(", ", names));
    }

    /** Removes a password: everybody on the machine can read a command line. */
    static String withoutPassword(String url) {
        if (DatabaseUrl.parse(url).password().isPresent()) {
            throw new UsageException(
                    "A password on the command line can be read by everybody on this machine. Put it into a"
                            + " password file (passfile in the URL, or PGPASSFILE), or the whole URL into the environment");
        }
        return url;
    }

    /** The worker's way of logging in as submitters. */
    SubmitterLogin login() {
        List<PasswordSource> sources = new ArrayList<>();
        passwordsDirectory().ifPresent(directory -> sources.add(new PasswordFiles(Path.of(directory))));
        String passwords = own + "login.passwords.";
        String prefix = settings.names().stream().anyMatch(name -> name.startsWith(passwords))
                ? passwords
                : "perdure.login.passwords.";
        sources.add(role -> settings.value(prefix + role).or(() -> settings.value(prefix + '"' + role + '"')));
        return SubmitterLogin.withPasswords(sources);
    }

    boolean hasPasswords() {
        return passwordsDirectory().isPresent();
    }

    private Optional<String> passwordsDirectory() {
        return ofOne("login.passwords-directory").or(() -> settings.value("perdure.login.passwords-directory"));
    }

    int sessions() {
        return number("step.max-concurrent", 32) + number("step.role-reserve", 32) + OWN_SESSIONS;
    }

    private int number(String name, int otherwise) {
        return ofOne(name).map(Integer::valueOf).orElseGet(() -> settings.number("perdure." + name, otherwise));
    }

    /** A setting of this database alone; in the environment its name stands between two underscores, as if it were quoted. */
    private Optional<String> ofOne(String name) {
        return settings.value(own + name).or(() -> settings.value("perdure.databases.\"" + database + "\"." + name));
    }
}
