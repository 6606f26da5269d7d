package dev.perdure.session;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Source of the passwords (or tokens) with which the worker logs in as submitters. */
@FunctionalInterface
public interface PasswordSource {

    /**
     * The password of a role at this moment.
     *
     * @param role the role's name, unquoted
     * @return empty when there is none
     * @throws SQLException when there is one that cannot be read; without the password in the message
     */
    Optional<String> passwordOf(String role) throws SQLException;

    /** The sources that the settings describe: first a directory with a file for each role, or null, then a password for each role. */
    static List<PasswordSource> of(@Nullable Path directory, Map<String, String> configured) {
        List<PasswordSource> sources = new ArrayList<>();
        if (directory != null) {
            sources.add(new PasswordFiles(directory));
        }
        if (!configured.isEmpty()) {
            sources.add(role -> Optional.ofNullable(configured.get(role)));
        }
        return sources;
    }
}
