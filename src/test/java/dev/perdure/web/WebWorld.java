package dev.perdure.web;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.testing.DebianServer;
import dev.perdure.web.answer.AnswerCounts;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Attempts;
import dev.perdure.web.login.Logins;
import dev.perdure.web.login.Replica;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A server as people have it, a worker, and a dashboard in front of them, whose clock the test sets. */
final class WebWorld implements AutoCloseable {

    /** Where others would reach it. */
    static final String PUBLIC_URL = "https://workflows.example.com/perdure";

    final DebianServer server = DebianServer.get();
    final String database = server.newDatabase();
    private final AnswerCounts answers = new AnswerCounts();
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
    private final Map<String, String> passwords = new HashMap<>();
    private final Vertx vertx = Vertx.vertx();
    final InProcessWorker worker;
    private final Dashboard dashboard;
    private final Dashboard readOnly;
    final int port;
    final int readOnlyPort;

    /** A world with these roles, which have {@link DebianServer#password}. */
    WebWorld(String... roles) {
        for (String role : roles) {
            server.createUser(role, database);
        }
        Map<String, String> settings = new HashMap<>();
        for (String role : roles) {
            passwords.put(role, DebianServer.password(role));
            settings.put("perdure.login.passwords." + role, DebianServer.password(role));
        }
        settings.put("perdure.web.public-url", PUBLIC_URL);
        DatabaseUrl url = server.worker(database);
        worker = InProcessWorker.start(url, settings);
        dashboard = dashboard(url, false, null);
        readOnly = dashboard(url, true, null);
        port = listen(dashboard);
        readOnlyPort = listen(readOnly);
    }

    /** What became of answers. */
    long answers(AnswerDesk.Outcome outcome) {
        return answers.counted(outcome);
    }

    Dashboard dashboard(DatabaseUrl url, boolean withoutChanges, @Nullable String tryOut) {
        return dashboard(url, Outside.NONE, withoutChanges, tryOut);
    }

    Dashboard dashboard(DatabaseUrl url, Outside outside, boolean withoutChanges, @Nullable String tryOut) {
        Logins logins = Logins.of(
                url,
                SubmitterLogin.withPasswords(List.of(role -> Optional.ofNullable(passwords.get(role)))),
                Duration.ofSeconds(5),
                null,
                new Logins.Limits(10, 1_800_000, 43_200_000, tryOut),
                new Attempts(now::get),
                now::get);
        return new Dashboard(vertx, List.of(DatabaseOptions.DEFAULT), outside.provider(), withoutChanges)
                .serve(
                        DatabaseOptions.DEFAULT,
                        logins,
                        outside,
                        new Api(new LeaderStatus()),
                        new AnswerDesk(url, "", InstantSource.system(), answers));
    }

    /** A dashboard that should read from somewhere else. */
    Dashboard reading(DatabaseUrl replica) {
        DatabaseUrl url = server.worker(database);
        SubmitterLogin vouched = SubmitterLogin.withoutPassword();
        Logins logins = Logins.of(
                url,
                vouched,
                Duration.ofSeconds(5),
                Replica.of(url, replica, vouched, Duration.ofSeconds(5)),
                new Logins.Limits(10, 1_800_000, 43_200_000, null),
                new Attempts(now::get),
                now::get);
        return new Dashboard(vertx, List.of(DatabaseOptions.DEFAULT), null, false)
                .serve(
                        DatabaseOptions.DEFAULT,
                        logins,
                        Outside.NONE,
                        new Api(new LeaderStatus()),
                        new AnswerDesk(url, "", InstantSource.system(), answers));
    }

    /** A worker with several databases, some of which were reached. */
    Dashboard fleet(List<String> names, Map<String, DatabaseUrl> reached) {
        Dashboard fleet = new Dashboard(vertx, names, null, false);
        Attempts attempts = new Attempts(now::get);
        reached.forEach((name, url) -> fleet.serve(
                name,
                Logins.of(
                        url,
                        SubmitterLogin.withPasswords(List.of(role -> Optional.ofNullable(passwords.get(role)))),
                        Duration.ofSeconds(5),
                        null,
                        new Logins.Limits(10, 1_800_000, 43_200_000, null),
                        attempts,
                        now::get),
                Outside.NONE,
                new Api(new LeaderStatus()),
                new AnswerDesk(url, DatabaseOptions.placeOf(name), InstantSource.system(), answers)));
        return fleet;
    }

    int listen(Dashboard listening) {
        return listen(listening, 0);
    }

    int listen(Dashboard listening, int onPort) {
        try {
            return listening
                    .listen(new HttpServerOptions().setHost("127.0.0.1").setPort(onPort))
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What a statement of somebody's answers first, as psql would run it. */
    String sql(String role, String statement) {
        return DebianServer.value(server.url(role, DebianServer.password(role), database), statement);
    }

    /** The same as the owner of schema df. */
    String owner(String statement) {
        try (Connection session = server.worker(database).connect();
                Statement run = session.createStatement()) {
            boolean hasRows = run.execute(statement);
            try (ResultSet rows = hasRows ? run.getResultSet() : null) {
                return rows != null && rows.next() ? String.valueOf(rows.getString(1)) : "";
            }
        } catch (SQLException e) {
            throw new IllegalStateException(statement, e);
        }
    }

    void pass(Duration time) {
        now.updateAndGet(before -> before.plus(time));
    }

    /** Somebody who is not logged in. */
    WebClient client() {
        return new WebClient(port);
    }

    /** Somebody who is, by the form. */
    WebClient loggedIn(String role) {
        WebClient client = client();
        client.login(role, DebianServer.password(role));
        return client;
    }

    @Override
    public void close() {
        dashboard.close();
        readOnly.close();
        worker.close();
        vertx.close();
    }
}
