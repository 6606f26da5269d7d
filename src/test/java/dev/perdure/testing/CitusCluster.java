package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A coordinator of Citus and its nodes, which {@code -Dperdure.citus.url} names: a superuser's URL of a database there that knows the
 * nodes. All on this machine, where their data directories can be reached; their roles log in without passwords. Where there is none,
 * what needs one is skipped. A new database has schema {@code df} and the same nodes.
 */
public final class CitusCluster implements AutoCloseable {

    private static final String PROPERTY = "perdure.citus.url";
    private static final AtomicInteger DATABASES = new AtomicInteger();

    /** Tests of other JVMs would meet servers that these crash. */
    private static final Path LOCK = Path.of("target", "citus.lock");

    private final DatabaseUrl coordinator;
    private final FileChannel lock;
    private final String database;
    private final List<CitusNode> nodes = new ArrayList<>();

    private CitusCluster(DatabaseUrl coordinator, String database) {
        this.coordinator = coordinator;
        this.database = database;
        try {
            lock = FileChannel.open(LOCK, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            lock.lock();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Why what needs Citus is skipped. */
    public static String missing() {
        return "no coordinator of Citus: -D" + PROPERTY
                + "=postgresql://postgres@127.0.0.1:5432/<database that knows its nodes>";
    }

    /** Whether there is one. */
    public static boolean isThere() {
        return !System.getProperty(PROPERTY, "").isBlank();
    }

    /** A new database on the coordinator and its nodes, with schema {@code df}; empty when there is no coordinator. */
    public static Optional<CitusCluster> create() throws SQLException {
        if (!isThere()) {
            return Optional.empty();
        }
        CitusCluster cluster = empty();
        cluster.addNodes();
        Migration.migrate(cluster.url(PostgresServer.OWNER));
        return Optional.of(cluster);
    }

    /** The same without the extension on the coordinator, without its nodes there, and without schema {@code df}. */
    public static CitusCluster empty() throws SQLException {
        DatabaseUrl given = DatabaseUrl.parse(System.getProperty(PROPERTY));
        String name = "perdure_" + ProcessHandle.current().pid() + "_" + DATABASES.incrementAndGet();
        CitusCluster cluster = new CitusCluster(given, name);
        try (Connection superuser = given.connect()) {
            for (List<@Nullable String> node : TestDatabase.rows(
                    superuser, "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 ORDER BY groupid")) {
                cluster.nodes.add(CitusNode.at(given.withHost(new DatabaseUrl.Host(
                        String.valueOf(node.get(0)), Integer.parseInt(String.valueOf(node.get(1)))))));
            }
            cluster.nodes.add(0, CitusNode.at(given));
        }
        for (CitusNode node : cluster.nodes) {
            node.execute(given.database(), "CREATE DATABASE " + name);
            if (node != cluster.nodes.get(0)) {
                node.execute(name, "CREATE EXTENSION citus");
            }
        }
        cluster.role(PostgresServer.OWNER);
        cluster.asSuperuser("GRANT CREATE ON DATABASE " + name + " TO " + PostgresServer.OWNER
                + "; GRANT CREATE ON SCHEMA public TO " + PostgresServer.OWNER);
        return cluster;
    }

    /** Creates the extension on the coordinator, if it is not there, and makes the nodes known to it. */
    public void addNodes() throws SQLException {
        addNodes(nodes.size() - 1);
    }

    /** The same with the first of them alone. */
    public void addNodes(int number) throws SQLException {
        asSuperuser("CREATE EXTENSION IF NOT EXISTS citus");
        CitusNode first = nodes.get(0);
        asSuperuser("SELECT citus_set_coordinator_host('" + first.host() + "', " + first.port() + ")");
        for (CitusNode node : nodes.subList(1, number + 1)) {
            asSuperuser("SELECT citus_add_node('" + node.host() + "', " + node.port() + ")");
        }
    }

    /** The coordinator, and behind it its nodes. */
    public List<CitusNode> nodes() {
        return List.copyOf(nodes);
    }

    /** The name of the database. */
    public String database() {
        return database;
    }

    /** How a superuser reaches the database on a server. */
    public DatabaseUrl superuser(CitusNode node) {
        return coordinator
                .withHost(new DatabaseUrl.Host(node.host(), node.port()))
                .withDatabase(database);
    }

    /** How a role reaches the database on the coordinator. */
    public DatabaseUrl url(String role) {
        return coordinator.withUser(role, null).withDatabase(database);
    }

    /** A role on all nodes, which may use {@code df} and make tables in {@code public}. */
    public String createUser(String role) throws SQLException {
        role(role);
        execute(PostgresServer.OWNER, "SELECT df.grant_usage('" + role + "')");
        asSuperuser("GRANT USAGE, CREATE ON SCHEMA public TO " + role);
        return role;
    }

    private void role(String role) throws SQLException {
        for (CitusNode node : nodes) {
            node.execute(
                    database,
                    "SET citus.enable_ddl_propagation = off; DO $$ BEGIN CREATE ROLE " + role
                            + " LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        }
    }

    public void asSuperuser(String sql) throws SQLException {
        nodes.get(0).execute(database, sql);
    }

    /** Executes statements as a role on the coordinator. */
    public void execute(String role, String sql) throws SQLException {
        try (Connection connection = url(role).connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of the first row as text. */
    public @Nullable String value(String role, String sql) throws SQLException {
        try (Connection connection = url(role).connect()) {
            return TestDatabase.rows(connection, sql).get(0).get(0);
        }
    }

    /** Drops the database everywhere; starts what does not run. */
    @Override
    public void close() throws SQLException {
        for (CitusNode node : nodes) {
            node.start();
        }
        for (CitusNode node : nodes) {
            for (List<@Nullable String> left :
                    node.rows(database, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")) {
                node.execute(database, "ROLLBACK PREPARED '" + left.get(0) + "'");
            }
        }
        for (CitusNode node : nodes) {
            // Citus begins its daemon anew as long as somebody can connect.
            node.execute(coordinator.database(), "ALTER DATABASE " + database + " ALLOW_CONNECTIONS false");
            Awaitility.await("the end of database " + database)
                    .atMost(Duration.ofSeconds(60))
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> {
                        node.execute(coordinator.database(), "DROP DATABASE " + database + " WITH (FORCE)");
                        return true;
                    });
        }
        try {
            lock.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
