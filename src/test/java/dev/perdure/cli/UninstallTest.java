package dev.perdure.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.schema.Migration;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code perdure uninstall}. */
class UninstallTest {

    private TestDatabase database;

    @BeforeEach
    void begin() {
        database = PostgresServer.get().newDatabase();
    }

    @Test
    void the_schema_goes_with_its_operators_and_peoples_tables_stay() throws SQLException {
        database.asSuperuser("CREATE TABLE public.kept (a int)");

        Call gone = uninstall();

        assertThat(gone.code()).as(gone.err()).isZero();
        assertThat(gone.out()).contains("done     schema df dropped");
        assertThat(database.value(
                        "postgres",
                        "SELECT concat(to_regnamespace('df'), (SELECT count(*) FROM pg_operator WHERE oprname = '~>'"
                                + " AND oprnamespace = 'public'::regnamespace), to_regclass('public.kept'))"))
                .isEqualTo("0kept");
        assertThat(uninstall().out()).contains("gone     schema df");
    }

    @Test
    void it_refuses_while_instances_have_not_ended() throws SQLException {
        try (Submitter app = Submitter.of(database, "uninstall_app")) {
            app.start("df.sleep(3600)");
        }

        Call refused = uninstall();

        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("1 instances in database " + database.name() + " have not ended");
        assertThat(uninstall("--even-if-running").code()).isZero();
    }

    @Test
    void it_refuses_while_a_worker_leads() {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            Call refused = uninstall();

            assertThat(refused.code()).isEqualTo(1);
            assertThat(refused.err()).contains("a worker leads in database " + database.name());
            assertThat(worker.leaderStatus().epoch()).isPositive();
        }
    }

    @Test
    void it_refuses_to_drop_what_others_have_built_on_it() throws SQLException {
        database.asSuperuser("CREATE VIEW public.mine AS SELECT id FROM df.instances");
        database.asSuperuser("CREATE TABLE public.orders (run text DEFAULT df.version())");

        Call refused = uninstall();

        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err())
                .contains("public.mine")
                .contains("public.orders")
                .contains("--even-if-used");
        assertThat(uninstall("--even-if-used").code()).isZero();
        assertThat(database.value("postgres", "SELECT to_regclass('public.orders')"))
                .isEqualTo("orders");
    }

    @Test
    void a_schema_df_that_is_not_ours_stays() {
        TestDatabase foreign = PostgresServer.get().newEmptyDatabase();
        foreign.asSuperuser("CREATE SCHEMA df");

        Call refused = uninstall(foreign, "df_worker");

        assertThat(refused.err()).contains("is not Perdure's");
    }

    @Test
    void roles_go_with_their_rights_in_every_database_once_they_own_nothing() throws SQLException {
        PostgresServer server = PostgresServer.get();
        TestDatabase first = server.newEmptyDatabase();
        TestDatabase second = server.newEmptyDatabase();
        server.createRole("gone_worker");
        server.asSuperuser("postgres", "CREATE ROLE gone_users; CREATE ROLE gone_alice LOGIN IN ROLE gone_users");
        for (TestDatabase one : List.of(first, second)) {
            one.asSuperuser("GRANT CREATE ON DATABASE " + one.name() + " TO gone_worker;"
                    + " GRANT CREATE ON SCHEMA public TO gone_worker; GRANT USAGE ON SCHEMA public TO gone_users");
            Migration.migrate(one.url("gone_worker"));
            one.execute("gone_worker", "SELECT df.grant_usage('gone_users')");
        }

        Call early = uninstall(first, "gone_worker", "--roles", "--group", "gone_users");
        assertThat(early.code()).isEqualTo(1);
        assertThat(early.err())
                .contains("still owns in database " + second.name())
                .contains("perdure uninstall there first");

        assertThat(uninstall(second, "gone_worker").code()).isZero();
        Call last = uninstall(first, "gone_worker", "--roles", "--group", "gone_users");
        assertThat(last.code()).as(last.err()).isZero();
        assertThat(last.out())
                .contains("done     role gone_worker dropped")
                .contains("done     role gone_users dropped");
        assertThat(first.value("postgres", "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolname LIKE 'gone%'"))
                .isEqualTo("gone_alice");
    }

    @Test
    void without_an_administrator_the_statements_are_printed_and_do_it() throws SQLException {
        Call printed = Call.of("uninstall", "--url", database.url().toUri());

        assertThat(printed.code()).isZero();
        assertThat(printed.out()).contains("DROP SCHEMA df CASCADE;", "DROP OWNED BY df_worker, df_users;");
        database.asSuperuser(printed.out()
                .lines()
                .filter(line -> line.startsWith("DROP SCHEMA"))
                .findFirst()
                .orElseThrow());
        assertThat(database.value("postgres", "SELECT to_regnamespace('df')")).isNull();
    }

    private Call uninstall(String... more) {
        return uninstall(database, "df_worker", more);
    }

    private static Call uninstall(TestDatabase place, String owner, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "uninstall",
                "--url",
                place.url(owner).toUri(),
                "--admin",
                place.url("postgres").toUri()));
        arguments.addAll(List.of(more));
        return Call.of(arguments.toArray(String[]::new));
    }
}
