package dev.perdure.docs;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.Dashboard;
import dev.perdure.web.Outside;
import dev.perdure.web.answer.AnswerCounts;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Attempts;
import dev.perdure.web.login.Logins;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The HTTP API of a database, where whoever has an address from a step answers it. */
final class ServedAnswers implements AutoCloseable {

    private final Vertx vertx = Vertx.vertx();
    private final Dashboard dashboard;
    private final int port;

    private ServedAnswers(DatabaseUrl url) {
        InstantSource clock = InstantSource.system();
        Logins logins = Logins.of(
                url,
                SubmitterLogin.withoutPassword(),
                Duration.ofSeconds(5),
                null,
                new Logins.Limits(10, 1_800_000, 43_200_000, null),
                new Attempts(clock),
                clock);
        dashboard = new Dashboard(vertx, List.of(DatabaseOptions.DEFAULT), null, false)
                .serve(
                        DatabaseOptions.DEFAULT,
                        logins,
                        Outside.NONE,
                        new Api(new LeaderStatus()),
                        new AnswerDesk(url, "", clock, new AnswerCounts()));
        port = dashboard
                .listen(new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }

    static ServedAnswers of(DatabaseUrl worker) {
        return new ServedAnswers(worker);
    }

    String publicUrl() {
        return "http://localhost:" + port;
    }

    @Override
    public void close() {
        dashboard.close();
        vertx.close();
    }
}
