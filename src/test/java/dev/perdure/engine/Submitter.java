package dev.perdure.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.Looks;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A role that starts workflows and looks at them, in one session. For one thread. */
public final class Submitter implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    /** A node that waits for {@link #open}: what is behind it runs when the test says so, however slow the machine is. */
    public static final String GATE = "df.wait_for_signal('go')";

    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Set<String> ENDED = Set.of("completed", "failed", "cancelled");

    private final String role;
    private final Connection connection;

    private Submitter(String role, Connection connection) {
        this.role = role;
        this.connection = connection;
    }

    /** A role that may use {@code df}, created when it does not exist. */
    public static Submitter of(TestDatabase database, String role) throws SQLException {
        database.createUser(role);
        return new Submitter(role, database.connect(role));
    }

    /** A role in a database of another server; it may use {@code df} already. */
    public static Submitter at(DatabaseUrl url) throws SQLException {
        return new Submitter(url.user(), url.connect());
    }

    /** The superuser, who sees what everybody's sessions do; it starts nothing. */
    public static Submitter observer(TestDatabase database) throws SQLException {
        return new Submitter("postgres", database.connect("postgres"));
    }

    public String role() {
        return role;
    }

    public Connection connection() {
        return connection;
    }

    /**
     * Starts a workflow.
     *
     * @param expression of the DSL, for example {@code 'SELECT 1' ~> 'SELECT 2'}
     * @return the instance's id
     */
    public String start(String expression) throws SQLException {
        return Objects.requireNonNull(value("SELECT df.start(" + expression + ")"));
    }

    /** Starts a workflow and waits until it has ended. */
    public Ended run(String expression) throws SQLException {
        return await(start(expression));
    }

    /** Lets an instance pass its {@link #GATE}. */
    public void open(String id) throws SQLException {
        value("SELECT df.signal(?, 'go')", id);
    }

    /** How an instance ended. */
    public record Ended(String id, String status, String output) {}

    /** Waits until an instance has ended and was wound up. */
    public Ended await(String id) {
        return Awaitility.await("end of instance " + id)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Looks.OFTEN)
                .until(
                        () -> {
                            List<@Nullable String> row = rows(
                                            "SELECT status, output FROM df.instances WHERE id = ?", id)
                                    .get(0);
                            return new Ended(id, String.valueOf(row.get(0)), String.valueOf(row.get(1)));
                        },
                        found -> ENDED.contains(found.status())
                                && !found.output().equals("null"));
    }

    /** Waits until a query of one value answers as expected. */
    public void awaitValue(String expected, String sql, Object... parameters) {
        Awaitility.await(sql)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Looks.OFTEN)
                .until(() -> value(sql, parameters), expected::equals);
    }

    /** The instance's result as JSON. */
    public JsonNode result(String id) throws SQLException {
        try {
            return JSON.readTree(value("SELECT df.result(?)", id));
        } catch (JsonProcessingException e) {
            throw new AssertionError("the result of " + id + " is no JSON", e);
        }
    }

    /** One column of the node whose query begins with the given text. */
    public @Nullable String node(String id, String queryBegins, String column) throws SQLException {
        return value(
                "SELECT " + column + " FROM df.nodes WHERE instance_id = ? AND starts_with(query, ?)", id, queryBegins);
    }

    public void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    public @Nullable String value(String sql, Object... parameters) throws SQLException {
        List<List<@Nullable String>> rows = rows(sql, parameters);
        return rows.isEmpty() ? null : rows.get(0).get(0);
    }

    public List<List<@Nullable String>> rows(String sql, Object... parameters) throws SQLException {
        return TestDatabase.rows(connection, sql, parameters);
    }

    /** The number of entries of an index that a statement reads in a transaction of its own. */
    public long entriesRead(String index, String sql) throws SQLException {
        execute("BEGIN");
        try {
            return TestDatabase.entriesRead(connection, index, sql);
        } finally {
            execute("COMMIT");
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
