package dev.perdure;

import dev.perdure.embedded.EmbeddedServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jboss.logging.Logger;

/** Contents of the embedded server for a newcomer: a role that may use {@code df}, and a workflow that runs. */
final class TryOut {

    private static final Logger LOG = Logger.getLogger(TryOut.class);

    private static final String ORDERS =
            """
            CREATE TABLE IF NOT EXISTS app.sample_orders (
                id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                status text NOT NULL DEFAULT 'new'
            );
            INSERT INTO app.sample_orders SELECT FROM generate_series(1, 3)
            """;

    /** As in README.md, on a table of its own, so that the page comes out as it is printed. */
    private static final String SAMPLE =
            """
            SELECT df.start(
                'SELECT id FROM sample_orders WHERE status = ''new'' ORDER BY id LIMIT 100' |=> 'batch'
                ~> 'UPDATE sample_orders SET status = ''done'' WHERE id IN (SELECT id FROM $batch.*)',
                'sample')
            """;

    private TryOut() {}

    static void grant(EmbeddedServer server) {
        try (Connection connection = server.workerUrl().connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT df.grant_usage('" + EmbeddedServer.PEOPLE + "')");
        } catch (SQLException e) {
            LOG.warnf("The role %s may not use df: %s", EmbeddedServer.PEOPLE, e.getMessage());
        }
    }

    /** The first time only: each further start of the worker finds it there. */
    static void startSample(EmbeddedServer server) {
        try (Connection connection = server.peopleUrl().connect();
                Statement statement = connection.createStatement()) {
            if (isThere(statement)) {
                return;
            }
            statement.execute(ORDERS);
            try (ResultSet row = statement.executeQuery(SAMPLE)) {
                row.next();
                LOG.infof("Started the sample workflow: instance %s", row.getString(1));
            }
        } catch (SQLException e) {
            LOG.warnf("The sample workflow was not started: %s", e.getMessage());
        }
    }

    private static boolean isThere(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT to_regclass('app.sample_orders') IS NOT NULL")) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
