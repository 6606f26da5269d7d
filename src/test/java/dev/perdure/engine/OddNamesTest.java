package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Owners, databases and submitters whose names have signs in them that mean something elsewhere. */
@Slow("a database and a worker for each odd name")
class OddNamesTest {

    private final PostgresServer server = PostgresServer.get();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "o'wner",
                "back\\slash",
                "double\"quote",
                "per%cent %s ${x}",
                "two words",
                "a,b;c--d",
                "Größe☃",
                "$$dollar$1$$",
                "a/b?c=d&e#f@g:h",
                "-dash",
                "UPPER lower",
                "[]{}()*+|^~!",
                "x=1 user=postgres",
            })
    void work(String sign) throws SQLException {
        String owner = "own " + sign;
        String name = "db " + sign;
        String app = "app " + sign;
        server.createRole(owner);
        server.createRole(app);
        server.asSuperuser("postgres", "CREATE DATABASE " + quoted(name) + " TEMPLATE template0");
        server.asSuperuser("postgres", "GRANT CREATE ON DATABASE " + quoted(name) + " TO " + quoted(owner));
        server.asSuperuser(name, "GRANT CREATE ON SCHEMA public TO " + quoted(owner));
        DatabaseUrl url = server.url(owner, name);
        assertThat(Migration.migrate(url)).isPositive();
        assertThat(Migration.migrate(url)).isZero();
        // As an operator of the worker would write it.
        DatabaseUrl parsed = DatabaseUrl.parse(url.toUri());
        assertThat(parsed).isEqualTo(url);

        try (InProcessWorker worker = InProcessWorker.start(parsed);
                Submitter session = Submitter.at(url);
                Submitter submitter = Submitter.at(server.url(app, name))) {
            session.value("SELECT df.grant_usage(?)", app);
            assertThat(submitter
                            .run("'SELECT session_user::text AS who' ~> 'SELECT current_database()::text AS d,"
                                    + " session_user::text AS who'")
                            .status())
                    .isEqualTo("completed");
            String id = submitter.start("'SELECT session_user::text AS who'");
            submitter.await(id);
            assertThat(submitter.result(id).at("/rows/0/who").asText()).isEqualTo(app);
            assertThat(worker.statistics().stepsFailed()).isZero();
            session.value("SELECT df.revoke_usage(?)", app);
        } finally {
            server.asSuperuser("postgres", "DROP DATABASE " + quoted(name) + " WITH (FORCE)");
        }
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
