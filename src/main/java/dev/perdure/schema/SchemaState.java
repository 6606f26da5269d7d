package dev.perdure.schema;

import dev.perdure.config.BuildInfo;
import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/**
 * State of schema {@code df} that {@link Migration} would find. Nothing is changed.
 *
 * @param refusal why it would refuse; empty when it would not
 * @param installed whether there is a schema {@code df} of this owner
 * @param pending the files that it would execute
 * @param newer files of a newer Perdure that were executed here
 */
public record SchemaState(String refusal, boolean installed, List<String> pending, List<String> newer) {

    /**
     * Looks.
     *
     * @throws SQLException when the server does not answer
     */
    public static SchemaState read(DatabaseUrl url) throws SQLException {
        try (Connection session =
                url.withParameter("application_name", "perdure doctor").connect()) {
            SchemaOwnership.check(session);
        } catch (MigrationException e) {
            return new SchemaState(String.valueOf(e.getMessage()), false, List.of(), List.of());
        }
        try {
            List<MigrationInfo> files = Arrays.asList(Migration.files(url));
            return new SchemaState(
                    "",
                    files.stream().anyMatch(file -> file.getState().isApplied()),
                    files.stream()
                            .filter(file -> !file.getState().isApplied())
                            .map(MigrationInfo::getScript)
                            .toList(),
                    Migration.newer(files));
        } catch (FlywayException e) {
            throw new SQLException("the history of the schema cannot be read: " + e.getMessage(), e);
        }
    }

    /** The version of Perdure that looks. */
    public static String ofThisBuild() {
        return BuildInfo.read().toString();
    }
}
