package dev.perdure.schema;

import dev.perdure.config.BuildInfo;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.Jdbc;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.Pooler;
import io.quarkus.runtime.ImageMode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Installs and upgrades the schema {@code df} with Flyway. The owner is the role of the URL; it needs no more than
 * {@code CREATE} on the database. Any number of workers may migrate at the same time: they wait for each other.
 *
 * <p>The files, {@code db/migration}, name all their objects with a schema: they run with {@code search_path =
 * pg_catalog, pg_temp}. Their placeholder <code>${perdureVersion}</code> is {@link BuildInfo#toString()}.
 */
public final class Migration {

    /** The schema of everything of ours. */
    public static final String SCHEMA = "df";

    private static final Logger LOG = Logger.getLogger(Migration.class);

    /**
     * With a lock timeout: the holder of a lock that a file needs is named, and the file tried again, rather than keep everybody behind it
     * waiting.
     */
    private static final Map<String, String> SETTINGS = OwnerSettings.with(Map.of(
            "search_path",
            "pg_catalog,pg_temp",
            "lock_timeout",
            "5s",
            "idle_in_transaction_session_timeout",
            "0",
            // Citus would make schema df on every node, or take its tables over.
            "citus.enable_ddl_propagation",
            "off",
            "citus.use_citus_managed_tables",
            "off"));

    private static final String LOCK_NOT_AVAILABLE = "55P03";
    /** The lock of one migration would be in a session that another client has next. */
    private static final String THROUGH_A_POOLER =
            "The schema df is not looked at: the connection goes through a pooler that gives the session of one client to others"
                    + " in between, as in transaction mode; the worker needs pool_mode = session for its user and for"
                    + " submitters, or a direct connection (docs/pgbouncer.md)";

    private static final Duration SILENCE = Duration.ofSeconds(30);

    private Migration() {}

    /**
     * Brings the schema of the URL's database to this version.
     *
     * @return how many files were executed; 0 when everything was in place
     * @throws MigrationException when the schema is somebody else's, a right is missing, the server cannot be reached or
     *     a file fails
     */
    public static int migrate(DatabaseUrl url) {
        return migrate(url, waiting -> {});
    }

    /**
     * The same.
     *
     * @param waiting told in words what is waited for, and who holds it; on another thread
     */
    public static int migrate(DatabaseUrl url, Consumer<String> waiting) {
        return migrate(url, waiting, SILENCE);
    }

    /**
     * The same.
     *
     * @param silence for how long another migration may not have been seen to live before its sessions are ended
     */
    static int migrate(DatabaseUrl url, Consumer<String> waiting, Duration silence) {
        // The same in all sessions of this migration, and in no other one.
        String name = "perdure migration " + UUID.randomUUID().toString().substring(0, 8);
        DatabaseUrl pinned = url.withSettings(SETTINGS).withParameter("application_name", name);
        try (Connection guard = pinned.connect();
                MigrationLookout lookout = new MigrationLookout(pinned, name, waiting, silence)) {
            if (Pooler.of(guard, pinned::connect) == Pooler.TRANSACTION_MODE) {
                throw new MigrationException(THROUGH_A_POOLER, null);
            }
            MigrationLock.take(guard);
            try {
                int executed = migrateWithFlyway(pinned);
                repair(pinned);
                return executed;
            } catch (FlywayException e) {
                throw lookout.holder() != null && isLockTimeout(e) ? waitsFor(lookout.holder()) : failed(e);
            }
        } catch (SQLException e) {
            throw failed(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MigrationException("Interrupted while another worker migrates the schema df", e);
        }
    }

    private static boolean isLockTimeout(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && LOCK_NOT_AVAILABLE.equals(sql.getSQLState())) {
                return true;
            }
        }
        return false;
    }

    private static MigrationException waitsFor(@Nullable String holder) {
        return new MigrationException(
                "The schema df could not be migrated: a lock that is needed is held by " + holder, null);
    }

    private static int migrateWithFlyway(DatabaseUrl url) {
        Flyway flyway = configuration(url).load();
        refuseUnreleased(flyway, url);
        List<String> newer = newer(Arrays.asList(flyway.info().all()));
        if (!newer.isEmpty()) {
            LOG.warnf(
                    "The schema df was upgraded by a newer Perdure (%s); this one, %s, leaves it as it is",
                    String.join(", ", newer), BuildInfo.read());
            return 0;
        }
        int executed = flyway.migrate().migrationsExecuted;
        if (executed > 0) {
            LOG.infof("Installed Perdure %s in the schema df: %d files", BuildInfo.read(), executed);
        }
        return executed;
    }

    /** Restores objects that a restore or logical replication has left out. Not there when a newer or an older Perdure made the schema. */
    private static void repair(DatabaseUrl url) throws SQLException {
        try (Connection session = url.connect();
                Statement statement = session.createStatement()) {
            if (!asked(statement, "SELECT pg_catalog.to_regprocedure('df._create_operators()') IS NOT NULL")
                    .equals("t")) {
                return;
            }
            String operators = asked(statement, "SELECT df._create_operators()");
            if (!operators.equals("0")) {
                LOG.warnf(
                        "%s operators were missing, as after a restore of schema df alone, and were made again",
                        operators);
            }
            String sequences =
                    asked(statement, "SELECT pg_catalog.string_agg(s, ', ') FROM df._advance_sequences() AS s");
            if (!sequences.isEmpty()) {
                LOG.warnf("%s stood behind the rows, as after logical replication, and was set", sequences);
            }
        }
    }

    private static String asked(Statement statement, String sql) throws SQLException {
        try (var row = statement.executeQuery(sql)) {
            row.next();
            return Objects.requireNonNullElse(row.getString(1), "");
        }
    }

    /** Tables that a build from before the first release has made are nobody's to upgrade: their files are gone. */
    private static void refuseUnreleased(Flyway flyway, DatabaseUrl url) {
        for (MigrationInfo file : flyway.info().all()) {
            boolean isFirst =
                    file.isVersioned() && file.getVersion().getVersion().equals("1");
            if (isFirst && file.getState().isApplied() && !file.isChecksumMatching()) {
                throw new MigrationException(
                        "The schema df of database " + url.database()
                                + " was made by a build of Perdure from before this release ("
                                + file.getScript() + " of " + file.getInstalledOn() + "), whose tables this one, "
                                + BuildInfo.read()
                                + ", does not know. Nothing was changed. Use the build that made it until its"
                                + " workflows have ended, then DROP SCHEMA df CASCADE and start again; or give Perdure another"
                                + " database",
                        null);
            }
        }
    }

    /** All files, of this version and of others that were here. Only read: a pooler may refuse the settings of the startup packet. */
    static MigrationInfo[] files(DatabaseUrl url) throws SQLException {
        return configuration(url).load().info().all();
    }

    /** Those of a version that this one does not know. */
    static List<String> newer(List<MigrationInfo> files) {
        return files.stream()
                .filter(file -> file.getState().isApplied() && !file.getState().isResolved())
                .filter(MigrationInfo::isVersioned)
                .map(MigrationInfo::getScript)
                .toList();
    }

    private static FluentConfiguration configuration(DatabaseUrl url) {
        FluentConfiguration configuration = Flyway.configure(Migration.class.getClassLoader())
                .dataSource(Jdbc.dataSource(url))
                .schemas(SCHEMA)
                .defaultSchema(SCHEMA)
                .createSchemas(true)
                .locations("classpath:db/migration")
                .placeholders(Map.of("perdureVersion", BuildInfo.read().toString()))
                .callbacks(new PinnedSearchPath())
                .cleanDisabled(true);
        if (ImageMode.current() == ImageMode.NATIVE_RUN) {
            NativeMigrationFiles.provideTo(configuration);
        }
        return configuration;
    }

    private static MigrationException failed(Exception cause) {
        return new MigrationException("The schema df could not be migrated: " + cause.getMessage(), cause);
    }
}
