package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.schema.Migration;
import dev.perdure.testing.DebianServer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;

/**
 * A server to measure on.
 *
 * @param owner how the worker reaches it
 * @param user how people do
 * @param other how people of another role do
 * @param admin a role that sees all sessions
 * @param settings environment of the worker, beside the address
 */
record Place(
        String name, DatabaseUrl owner, DatabaseUrl user, DatabaseUrl other, DatabaseUrl admin, Map<String, String> settings) {

    /** The embedded server: no JIT, no password, no TLS; durable. */
    static Place embedded(Path folder) throws SQLException {
        EmbeddedServer server = EmbeddedServer.start(folder.resolve("postgres"), 15577);
        DatabaseUrl owner = server.workerUrl();
        Migration.migrate(owner);
        DatabaseUrl admin = owner.withUser("postgres", null);
        Load.execute(admin, "CREATE ROLE other LOGIN");
        Load.execute(owner, "SELECT df.grant_usage('app', include_http => true)", "SELECT df.grant_usage('other')");
        return new Place(
                "embedded",
                owner,
                owner.withUser("app", null),
                owner.withUser("other", null),
                admin,
                Map.of("PERDURE_HTTP_ALLOW", "127.0.0.1"));
    }

    /** Debian's package with its default settings: JIT, passwords (SCRAM), TLS. */
    static Place debian() throws SQLException {
        DebianServer server = DebianServer.get();
        String database = server.newDatabase();
        server.createUser("app", database);
        server.createUser("other", database);
        Load.execute(server.worker(database), "SELECT df.grant_usage('app', include_http => true)");
        return new Place(
                "Debian's, JIT, SCRAM, TLS",
                server.worker(database),
                server.url("app", DebianServer.password("app"), database),
                server.url("other", DebianServer.password("other"), database),
                server.superuser(database),
                Map.of(
                        "PERDURE_LOGIN_PASSWORDS_APP", DebianServer.password("app"),
                        "PERDURE_LOGIN_PASSWORDS_OTHER", DebianServer.password("other"),
                        "PERDURE_HTTP_ALLOW", "127.0.0.1"));
    }

    /** The same server, farther away: each way takes longer for the worker and for people. */
    Place behind(Latency latency) {
        return new Place(
                name + ", " + latency.millis() + " ms away",
                moved(owner, latency),
                moved(user, latency),
                moved(other, latency),
                admin,
                settings);
    }

    private static DatabaseUrl moved(DatabaseUrl url, Latency latency) {
        DatabaseUrl.Host host = url.hosts().get(0);
        return url.withHost(new DatabaseUrl.Host(host.name(), latency.to(host.port())));
    }
}
