package dev.perdure.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.Settings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DatabaseOptionsTest {

    private static List<DatabaseOptions> of(String... namesAndValues) {
        Map<String, String> settings = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            settings.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return DatabaseOptions.of(Settings.of(List.of(settings)));
    }

    private static void refuses(String reason, String... namesAndValues) {
        assertThatThrownBy(() -> of(namesAndValues))
                .isInstanceOf(InvalidDatabasesException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void one_url_is_one_database_which_is_called_default() {
        assertThat(of("perdure.database.url", "postgresql:///app", "perdure.memory.limit", "100M"))
                .singleElement()
                .satisfies(only -> {
                    assertThat(only.name()).isEqualTo("default");
                    assertThat(only.url()).contains("postgresql:///app");
                    assertThat(only.maxConcurrent()).isEqualTo(32);
                    assertThat(only.memoryBytes()).isEqualTo(100L << 20);
                    assertThat(only.workerName()).isEqualTo("default");
                });
        assertThat(of()).isEmpty();
        assertThat(of("perdure.embedded", "true")).singleElement().satisfies(only -> assertThat(only.url())
                .isEmpty());
    }

    @Test
    void others_stand_beside_it_in_the_order_of_their_names() {
        List<DatabaseOptions> all = of(
                "perdure.database.url", "postgresql:///app",
                "perdure.databases.us-east.url", "postgresql:///us",
                "perdure.databases.asia.url", "postgresql:///asia",
                "perdure.embedded", "true",
                "perdure.memory.limit", "300M");

        assertThat(all).extracting(DatabaseOptions::name).containsExactly("asia", "default", "us-east");
        assertThat(all).extracting(DatabaseOptions::memoryBytes).containsOnly(100L << 20);
        assertThat(all).extracting(DatabaseOptions::workerName).containsExactly("asia", "default", "us-east");
    }

    @Test
    void what_is_set_for_one_database_holds_for_it_alone() {
        List<DatabaseOptions> all = of(
                "perdure.databases.a.url", "postgresql:///a",
                "perdure.databases.b.url", "postgresql:///b",
                "perdure.login.passwords.app", "for all",
                "perdure.login.passwords.other", "for all",
                "perdure.secrets.directory", "/all",
                "perdure.kubernetes.roles.team", "app",
                "perdure.databases.b.login.passwords.app", "of b",
                "perdure.databases.b.login.passwords-directory", "/passwords/b",
                "perdure.databases.b.secrets.directory", "/b",
                "perdure.databases.b.step.max-concurrent", "5",
                "perdure.databases.b.step.role-reserve", "0",
                "perdure.databases.b.step.max-concurrent-per-role", "2",
                "perdure.databases.b.retention-days", "1",
                "perdure.databases.b.max-ended-instances", "10",
                "perdure.databases.b.kubernetes.worker-name", "bee",
                "perdure.databases.b.kubernetes.roles.team", "b_app,c_app");
        DatabaseOptions a = all.get(0);
        DatabaseOptions b = all.get(1);

        assertThat(a.passwords()).containsOnlyKeys("app", "other");
        assertThat(b.passwords()).containsExactly(Map.entry("app", "of b"));
        assertThat(b.passwordsDirectory()).contains(Path.of("/passwords/b"));
        assertThat(a.secretsDirectory()).contains(Path.of("/all"));
        assertThat(b.secretsDirectory()).contains(Path.of("/b"));
        assertThat(a.maxConcurrent()).isEqualTo(32);
        assertThat(b.maxConcurrent()).isEqualTo(5);
        assertThat(b.roleReserve()).isZero();
        assertThat(b.maxConcurrentPerRole()).isEqualTo(2);
        assertThat(a.retentionDays()).isEqualTo(30);
        assertThat(b.retentionDays()).isEqualTo(1);
        assertThat(b.maxEndedInstances()).isEqualTo(10);
        assertThat(b.workerName()).isEqualTo("bee");
        assertThat(a.kubernetesRoles()).containsExactly(Map.entry("team", List.of("app")));
        assertThat(b.kubernetesRoles()).containsExactly(Map.entry("team", List.of("b_app", "c_app")));
    }

    @Test
    void a_name_of_the_environment_has_its_hyphens_back() {
        assertThat(of(
                        "perdure.databases.\"us.east\".url", "postgresql:///us",
                        "perdure.databases.us-east.retention-days", "4"))
                .singleElement()
                .satisfies(only -> {
                    assertThat(only.name()).isEqualTo("us-east");
                    assertThat(only.retentionDays()).isEqualTo(4);
                    assertThat(only.url()).contains("postgresql:///us");
                });
    }

    @Test
    void addresses_are_handed_out_only_by_databases_that_the_dashboard_serves() {
        List<DatabaseOptions> all = of(
                "perdure.databases.a.url", "postgresql:///a",
                "perdure.databases.b.url", "postgresql:///b",
                "perdure.web.public-url", "https://example.org",
                "perdure.web.databases", "b");

        assertThat(all.get(0).publicUrl()).isEmpty();
        assertThat(all.get(1).publicUrl()).contains("https://example.org");
    }

    @Test
    void a_read_replica_is_that_of_the_database_that_says_so_or_of_the_unnamed_one() {
        assertThat(of("perdure.databases.a.url", "x", "perdure.web.read-url", "r"))
                .singleElement()
                .satisfies(only -> assertThat(only.readUrl()).contains("r"));
        List<DatabaseOptions> all = of(
                "perdure.database.url", "x",
                "perdure.databases.a.url", "y",
                "perdure.databases.b.url", "z",
                "perdure.databases.b.web.read-url", "of b",
                "perdure.databases.b.web.roles.sellers", "seller",
                "perdure.web.roles.all", "app",
                "perdure.web.read-url", "of the unnamed one");
        assertThat(all).extracting(one -> one.readUrl().orElse("")).containsExactly("", "of b", "of the unnamed one");
        assertThat(all)
                .extracting(DatabaseOptions::webRoles)
                .containsExactly(Map.of("all", "app"), Map.of("sellers", "seller"), Map.of("all", "app"));
    }

    @Test
    void what_makes_no_sense_is_refused_with_the_remedy() {
        refuses(
                "Set perdure.databases.a.web.read-url",
                "perdure.databases.a.url",
                "x",
                "perdure.databases.b.url",
                "y",
                "perdure.web.read-url",
                "z");
        refuses("Give one of the two", "perdure.database.url", "x", "perdure.databases.default.url", "y");
        refuses("small letters", "perdure.databases.\"Orders_EU\".url", "x");
        refuses("Set perdure.databases.a.url", "perdure.databases.a.retention-days", "3");
        refuses("there are: a", "perdure.databases.a.url", "x", "perdure.web.databases", "b");
        refuses(
                "perdure.databases.default.kubernetes.worker-name",
                "perdure.database.url",
                "x",
                "perdure.databases.a.url",
                "y",
                "perdure.kubernetes.worker-name",
                "a");
    }

    @Test
    void a_variable_of_the_environment_that_is_about_no_database_is_refused() {
        List<DatabaseOptions> all = of(
                "perdure.databases.orders.url", "postgresql:///orders",
                "perdure.databases.eu-billing.url", "postgresql:///billing");

        DatabaseOptions.checkVariables(
                Set.of(
                        "PATH",
                        "PERDURE_DATABASE_URL",
                        "PERDURE_DATABASES_ORDERS_URL",
                        "PERDURE_DATABASES__ORDERS__STEP_MAX_CONCURRENT",
                        "PERDURE_DATABASES__EU_BILLING__URL"),
                all);
        for (String unread : List.of("PERDURE_DATABASES_EU_BILLING_URL", "PERDURE_DATABASES__ASIA__RETENTION_DAYS")) {
            assertThatThrownBy(() -> DatabaseOptions.checkVariables(Set.of(unread), all))
                    .isInstanceOf(InvalidDatabasesException.class)
                    .hasMessageContaining("The variable " + unread)
                    .hasMessageContaining("PERDURE_DATABASES__EU_BILLING__URL");
        }
    }
}
