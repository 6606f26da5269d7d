package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.FrozenGate;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TcpGate;
import dev.perdure.web.WebClient.Answer;
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
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A dashboard that reads from a streaming replica, which is behind, away, frozen, or none. */
@Slow("a standby made anew for each test")
class ReplicaTest {

    private static final String ANN = "rep_ann";
    private static final String BEN = "rep_ben";
    private static final String START = "{\"workflow\":\"df.wait_for_signal('go')\",\"label\":\"LABEL\"}";

    private static final Vertx VERTX = Vertx.vertx();

    private static DebianServer server;
    private static String database;
    private static int standby;
    private static TcpGate toPrimary;
    private static TcpGate toReplica;
    private static InProcessWorker worker;
    private static String instance;
    private static String node;

    private final List<Dashboard> dashboards = new ArrayList<>();

    @BeforeAll
    static void begin() {
        server = DebianServer.own(Map.of());
        database = server.newDatabase();
        server.createUser(ANN, database);
        server.createUser(BEN, database);
        worker = InProcessWorker.start(
                server.worker(database),
                Map.of(
                        "perdure.login.passwords." + ANN, DebianServer.password(ANN),
                        "perdure.login.passwords." + BEN, DebianServer.password(BEN)));
        for (String sql : List.of(
                "SELECT df.create_schedule('nightly', '0 3 * * *', 'SELECT 1')",
                "SELECT df.create_queue('mail', concurrency => 1)",
                "SELECT df.define('invoice', 'SELECT 1')",
                "SELECT df.start(df.approval('Pay?', '{" + ANN + "}'))",
                "SELECT df.start(df.activity('thumbnail', '{}'))")) {
            as(ANN, sql);
        }
        instance =
                as(ANN, "SELECT df.start(df.map('SELECT n FROM generate_series(1, 3) n', 'SELECT $item.n'), 'mapped')");
        await().until(() -> as(ANN, "SELECT df.status('" + instance + "')").equals("completed"));
        node = as(ANN, "SELECT id FROM df.nodes WHERE instance_id = '" + instance + "' AND node_type = 'MAP'");
        standby = server.standby();
        toPrimary = new TcpGate(server.port());
        toPrimary.open();
        toReplica = new TcpGate(standby);
        toReplica.open();
    }

    @AfterAll
    static void end() {
        if (server != null) {
            worker.close();
            toPrimary.close();
            toReplica.close();
            server.close();
        }
        VERTX.close();
    }

    @AfterEach
    void over() {
        onStandby("SELECT pg_wal_replay_resume()");
        dashboards.forEach(Dashboard::close);
    }

    private static DatabaseUrl worker(int port) {
        return server.url(port, "df_worker", DebianServer.password("df_worker"), database);
    }

    /** A dashboard; answers its port. */
    private int dashboard(DatabaseUrl primary, DatabaseUrl replica) {
        InstantSource clock = InstantSource.system();
        SubmitterLogin vouched = SubmitterLogin.withPasswords(List.of(role -> Optional.empty()));
        Duration timeout = Duration.ofSeconds(2);
        Logins logins = Logins.of(
                primary,
                vouched,
                timeout,
                Replica.of(primary, replica, vouched, timeout),
                new Logins.Limits(10, 1_800_000, 43_200_000, null),
                new Attempts(clock),
                clock);
        Dashboard dashboard = new Dashboard(VERTX, List.of(DatabaseOptions.DEFAULT), null, false)
                .serve(
                        DatabaseOptions.DEFAULT,
                        logins,
                        Outside.NONE,
                        new Api(new LeaderStatus()),
                        new AnswerDesk(primary, "", clock, new AnswerCounts()));
        dashboards.add(dashboard);
        return dashboard
                .listen(new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }

    private int dashboard() {
        return dashboard(worker(toPrimary.port()), worker(toReplica.port()));
    }

    private static WebClient loggedIn(int port, String role) {
        WebClient client = new WebClient(port);
        Answer answer = client.login(role, DebianServer.password(role));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return client;
    }

    private static String as(String role, String sql) {
        return value(server.url(role, DebianServer.password(role), database), sql);
    }

    private static String onStandby(String sql) {
        return value(server.superuser(standby, database), sql);
    }

    private static String value(DatabaseUrl url, String sql) {
        try (Connection session = url.connect();
                Statement run = session.createStatement();
                ResultSet rows = run.executeQuery(sql)) {
            return rows.next() ? String.valueOf(rows.getString(1)) : "";
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private static String header(Answer answer, String name) {
        return answer.response().headers().firstValue(name).orElse("");
    }

    private static String source(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return header(answer, Reply.SOURCE);
    }

    private static String note(Answer answer) {
        return header(answer, Reply.NOTE);
    }

    private static void awaitReplica(WebClient client) {
        await("reads from the replica")
                .until(() -> source(client.get("/instances")).equals("replica"));
    }

    private static String start(WebClient client, String label) {
        Answer answer = client.post("/instances", START.replace("LABEL", label));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.body().path("id").asText();
    }

    @Test
    void everything_that_only_reads_is_answered_by_the_replica_and_the_rest_by_the_primary() {
        WebClient ann = loggedIn(dashboard(), ANN);
        awaitReplica(ann);

        for (String path : List.of(
                "/instances",
                "/instances?status=completed",
                "/instances?label=mapped",
                "/instances?text=map",
                "/instances?queue=mail",
                "/instances/" + instance,
                "/instances/" + instance + "/nodes/" + node,
                "/instances/" + instance + "/nodes/" + node + "/result",
                "/instances/" + instance + "/items?node=" + node,
                "/instances/" + instance + "/sql",
                "/schedules",
                "/schedules/nightly/runs",
                "/queues",
                "/definitions",
                "/definitions/invoice",
                "/tasks",
                "/activities",
                "/activity-kinds",
                "/summary")) {
            Answer answer = ann.get(path);
            assertThat(source(answer)).as(path + ": " + answer.text()).isEqualTo("replica");
            assertThat(note(answer)).as(path).isEmpty();
        }
        assertThat(onStandby("SELECT count(*) FROM pg_stat_activity WHERE usename = '" + ANN
                        + "' AND application_name = 'perdure-web'"))
                .isNotEqualTo("0");
        Answer asked = ann.get("/worker");
        assertThat(source(asked)).as("sessions are those of the primary").isEmpty();
        assertThat(asked.body().path("cluster").path("sessions").toString()).contains("perdure-leader");
        assertThat(ann.get("/instances/01234567").status()).isEqualTo(404);
        try (EventStream stream =
                new EventStream(asked.response().uri().getPort(), "/changes", "Cookie: " + ann.cookie)) {
            stream.await("worker");
            String id = as(ANN, "SELECT df.start('SELECT 1', 'followed')");
            stream.await(event ->
                    event.name().equals("changed") && event.data().toString().contains(id));
        }
        assertThat(ann.post("/explain", "{\"workflow\":\"SELECT 1\"}").status()).isEqualTo(200);
    }

    @Test
    void whoever_changes_something_sees_it_and_others_read_the_replica_meanwhile() {
        int port = dashboard();
        WebClient ann = loggedIn(port, ANN);
        WebClient ben = loggedIn(port, BEN);
        awaitReplica(ann);
        onStandby("SELECT pg_wal_replay_pause()");

        String id = start(ann, "mine at once");

        Answer list = ann.get("/instances");
        assertThat(list.text()).contains(id);
        assertThat(source(list)).isEqualTo("primary");
        assertThat(note(list)).as("what is shown is as new as can be").isEmpty();
        assertThat(ann.get("/instances/" + id).status()).isEqualTo(200);
        WebClient program = new WebClient(port).withPassword(ANN, DebianServer.password(ANN));
        assertThat(program.get("/instances/" + id).status())
                .as("another login of the role")
                .isEqualTo(200);
        assertThat(source(ben.get("/instances"))).isEqualTo("replica");

        assertThat(ann.post("/instances/" + id + "/cancel", "{}").status()).isEqualTo(200);
        assertThat(ann.get("/instances/" + id).body().path("status").asText()).isEqualTo("cancelled");
        onStandby("SELECT pg_wal_replay_resume()");
        await().until(() -> source(ann.get("/instances")).equals("replica"));
        assertThat(ann.get("/instances/" + id).body().path("status").asText()).isEqualTo("cancelled");
    }

    @Test
    void an_instance_that_another_worker_has_started_is_found_though_the_replica_does_not_have_it() {
        WebClient ann = loggedIn(dashboard(), ANN);
        awaitReplica(ann);
        onStandby("SELECT pg_wal_replay_pause()");

        String id = as(ANN, "SELECT df.start(df.wait_for_signal('go'), 'by psql')");

        assertThat(source(ann.get("/instances/" + id))).isEqualTo("primary");
        assertThat(ann.get("/instances").text()).doesNotContain(id);
    }

    @Test
    void a_page_says_how_far_the_replica_is_behind_and_streams_tell_what_happens_now() {
        WebClient ann = loggedIn(dashboard(), ANN);
        awaitReplica(ann);
        String port = String.valueOf(ann.get("/instances").response().uri().getPort());
        try (EventStream stream = new EventStream(Integer.parseInt(port), "/changes", "Cookie: " + ann.cookie)) {
            stream.await("worker");
            onStandby("SELECT pg_wal_replay_pause()");
            as(ANN, "SELECT df.start('SELECT 1', 'before the lag')");
            await("the lag").atMost(Duration.ofSeconds(30)).until(() -> note(ann.get("/queues"))
                    .contains(" s behind"));

            Answer answer = ann.get("/queues");
            assertThat(source(answer)).isEqualTo("replica");
            assertThat(Integer.parseInt(header(answer, Reply.BEHIND))).isBetween(5, 60);
            String id = as(ANN, "SELECT df.start('SELECT 1', 'in the lag')");
            stream.await(event ->
                    event.name().equals("changed") && event.data().toString().contains(id));
        }
        onStandby("SELECT pg_wal_replay_resume()");
        await().until(() -> note(ann.get("/queues")).isEmpty());
    }

    @Test
    void a_replica_that_is_away_or_frozen_is_a_note_and_no_error() {
        WebClient ann = loggedIn(dashboard(), ANN);
        awaitReplica(ann);
        toReplica.shut();
        try {
            Answer first = ann.get("/instances");
            assertThat(source(first)).isEqualTo("primary");
            assertThat(note(first)).contains("does not answer");
            assertThat(ann.get("/instances/" + instance).status()).isEqualTo(200);
        } finally {
            toReplica.open();
        }
        awaitReplica(ann);
        assertThat(note(ann.get("/instances"))).isEmpty();
    }

    @Test
    void a_replica_that_freezes_holds_up_one_answer_and_not_the_next_ones() {
        FrozenGate gate = new FrozenGate(standby);
        try {
            WebClient ann = loggedIn(dashboard(worker(server.port()), worker(gate.port())), ANN);
            awaitReplica(ann);
            gate.freeze();
            assertThat(source(ann.get("/instances"))).isEqualTo("primary");
            long began = System.nanoTime();
            assertThat(note(ann.get("/instances"))).contains("does not answer");
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
        } finally {
            gate.close();
        }
    }

    @Test
    void with_the_primary_away_people_who_are_logged_in_still_read() {
        int port = dashboard();
        WebClient ann = loggedIn(port, ANN);
        awaitReplica(ann);
        toPrimary.shut();
        try {
            Answer read = ann.get("/instances/" + instance);
            assertThat(source(read)).isEqualTo("replica");
            await().until(() -> note(ann.get("/instances/" + instance)).contains("primary does not answer"));
            assertThat(ann.post("/instances", START).status()).isEqualTo(503);
            assertThat(new WebClient(port)
                            .login(BEN, DebianServer.password(BEN))
                            .status())
                    .isEqualTo(503);
        } finally {
            toPrimary.open();
        }
        await().until(() -> note(ann.get("/instances")).isEmpty());
    }

    @Test
    void a_server_that_is_no_replica_of_this_database_is_not_read() {
        WebClient ofPrimary = loggedIn(dashboard(worker(server.port()), worker(server.port())), ANN);
        await().until(() -> note(ofPrimary.get("/instances")).contains("no replica"));
        assertThat(source(ofPrimary.get("/instances"))).isEqualTo("primary");

        String other = server.newDatabase();
        await().until(() -> onStandby("SELECT count(*) FROM pg_database WHERE datname = '" + other + "'")
                .equals("1"));
        DatabaseUrl foreign = worker(standby).withDatabase(other);
        WebClient ofForeign = loggedIn(dashboard(worker(server.port()), foreign), ANN);
        await().until(() -> note(ofForeign.get("/instances")).contains("another database"));
        assertThat(ofForeign.get("/instances/" + instance).status()).isEqualTo(200);
    }

    @Test
    void of_several_hosts_the_replica_is_a_standby_and_the_database_the_primary() {
        DatabaseUrl both =
                server.url(List.of(standby, server.port()), "df_worker", DebianServer.password("df_worker"), database);
        WebClient ann = loggedIn(dashboard(both, both), ANN);
        awaitReplica(ann);
        start(ann, "through the primary");
    }

    @Test
    void a_password_that_the_replica_does_not_know_yet_lets_in_all_the_same() {
        server.createUser("rep_new", database);
        await().until(() -> onStandby("SELECT count(*) FROM pg_roles WHERE rolname = 'rep_new'")
                .equals("1"));
        int port = dashboard();
        awaitReplica(loggedIn(port, ANN));
        onStandby("SELECT pg_wal_replay_pause()");
        server.asSuperuser(database, "ALTER ROLE rep_new PASSWORD 'changed'");
        WebClient changed = new WebClient(port);
        assertThat(changed.login("rep_new", DebianServer.password("rep_new")).status())
                .as("which the replica would let in")
                .isEqualTo(401);
        assertThat(changed.login("rep_new", "changed").status()).isEqualTo(200);

        Answer answer = changed.get("/instances");
        assertThat(source(answer)).isEqualTo("primary");
        assertThat(note(answer)).contains("does not let this role in");
    }
}
