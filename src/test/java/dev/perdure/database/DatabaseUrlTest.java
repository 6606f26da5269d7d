package dev.perdure.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseUrlTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "postgresql://u@h:1/d jdbc:postgresql://h:1/d u",
                "postgres://u@h/d jdbc:postgresql://h:5432/d u",
                "postgresql://u@h jdbc:postgresql://h:5432/u u",
                "postgresql://u@/d jdbc:postgresql://localhost:5432/d u",
                "postgresql:///d?user=u jdbc:postgresql://localhost:5432/d u",
                "postgresql://u@[::1]:5/d jdbc:postgresql://[::1]:5/d u",
                "postgresql://u@[fe80::1]/d jdbc:postgresql://[fe80::1]:5432/d u",
                "postgresql://u@a:1,b:2/d jdbc:postgresql://a:1,b:2/d u",
                "postgresql://u@/d?host=a,b&port=7 jdbc:postgresql://a:7,b:7/d u",
                "postgresql://%C3%BC%40x@h/my%20db jdbc:postgresql://h:5432/my%20db ü@x",
                "postgresql://a+b@h/c+d jdbc:postgresql://h:5432/c%2Bd a+b",
            })
    void is_read_as_libpq_reads_it(String text, String jdbc, String user) {
        DatabaseUrl url = DatabaseUrl.parse(text);

        assertThat(url.jdbcUrl()).isEqualTo(jdbc);
        assertThat(url.jdbcProperties()).containsEntry("user", user);
        assertThat(DatabaseUrl.parse(url.toUri())).isEqualTo(url);
    }

    @Test
    void missing_user_and_database_are_those_of_the_operating_system() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://h");

        assertThat(url.user()).isEqualTo(System.getProperty("user.name"));
        assertThat(url.database()).isEqualTo(url.user());
    }

    @Test
    void the_password_reaches_both_clients_and_no_text() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u:s%2Fe%3Ac@h/d");

        assertThat(url.jdbcProperties()).containsEntry("password", "s/e:c");
        assertThat(url.reactiveOptions().get(0).getPassword()).isEqualTo("s/e:c");
        assertThat(url).hasToString("postgresql://u:***@h:5432/d");
        assertThat(url.jdbcUrl()).doesNotContain("e:c");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mysql://u:hunter2@h/d",
                "jdbc:postgresql://u:hunter2@h/d",
                "postgresql://u:hunter2/x@h/d",
                "postgresql://u:hunter2?x@h/d",
                "postgresql://u:hunter2%zz@h/d",
                "postgresql://u:hunter2@h:99999/d",
                "postgresql://u:hunter2@h:port/d",
                "postgresql://u:hunter2@a,b:1,c/d?port=1,2",
                "postgresql://u:hunter2@h/d?sslmode=sometimes",
                "postgresql://u:hunter2@h/d?unheard_of=1",
                "postgresql://u:hunter2@h/d?connect_timeout=soon",
                "postgresql://u:hunter2@h/d?sslmode",
                "postgresql://u:hunter2@[::1/d",
            })
    void a_text_that_is_no_url_is_refused_without_telling_the_password(String text) {
        assertThatThrownBy(() -> DatabaseUrl.parse(text))
                .isInstanceOf(InvalidDatabaseUrlException.class)
                .hasMessageStartingWith("The database URL cannot be used: ")
                .hasMessageNotContaining("hunter2");
    }

    @Test
    void a_session_of_another_role_does_not_inherit_the_password() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://owner:secret@h/d?application_name=x");

        DatabaseUrl other = url.withUser("alice", null);

        assertThat(other).hasToString("postgresql://alice@h:5432/d?application_name=x");
        assertThat(other.jdbcProperties()).doesNotContainKey("password");
        assertThat(other.reactiveOptions().get(0).getPassword()).isEmpty();
    }

    @Test
    void settings_join_the_options_of_the_url() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u@h/d?options=-c%20geqo%3Doff");

        assertThat(url.options(Map.of("application.note", "two words")))
                .isEqualTo("-c geqo=off -c application.note=two\\ words");
        assertThat(url.jdbcProperties()).containsEntry("options", "-c geqo=off");
        assertThat(url.reactiveOptions().get(0).getProperties()).containsEntry("options", "-c geqo=off");
    }

    @Test
    void several_hosts_mean_the_primary_among_them() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u@a,b/d");

        assertThat(url.jdbcProperties()).containsEntry("targetServerType", "primary");
        assertThat(url.reactiveOptions()).extracting(PgConnectOptions::getHost).containsExactly("a", "b");
        assertThat(url.withHost(url.hosts().get(1)).jdbcUrl()).isEqualTo("jdbc:postgresql://b:5432/d");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "postgresql:///app?host=/run/postgresql&user=u&port=5433",
                "postgresql://u@%2Frun%2Fpostgresql:5433/app",
                "postgresql://u@/app?host=%2Frun%2Fpostgresql&port=5433&sslmode=require"
            })
    void the_directory_of_a_unix_socket_is_a_host_and_nothing_is_encrypted(String text) {
        DatabaseUrl url = DatabaseUrl.checked(text);

        assertThat(url.usesUnixSocket()).isTrue();
        assertThat(url.jdbcProperties())
                .containsEntry("socketFactoryArg", "/run/postgresql/.s.PGSQL.5433")
                .containsEntry("sslmode", "disable");
        PgConnectOptions options = url.reactiveOptions().get(0);
        assertThat(options.isUsingDomainSocket()).isTrue();
        assertThat(options.getSslMode()).isEqualTo(SslMode.DISABLE);
        assertThat(DatabaseUrl.parse(url.toUri())).isEqualTo(url);
    }

    @Test
    void a_password_file_is_read_as_libpq_reads_it(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(
                directory.resolve("pgpass"),
                "# host:port:database:user:password\nother:*:*:u:no\nh:5432:d:u:a\\:b:c\n*:*:*:*:rest\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u@h/d?passfile=" + file);

        assertThat(url.jdbcProperties()).containsEntry("password", "a:b:c");
        assertThat(url.reactiveOptions().get(0).getPassword()).isEqualTo("a:b:c");
        assertThat(url.withUser("alice", null).jdbcProperties()).containsEntry("password", "rest");
        assertThat(url.withUser("alice", "own").jdbcProperties()).containsEntry("password", "own");

        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(url::jdbcProperties)
                .hasMessageContaining("chmod 600")
                .hasMessageNotContaining("rest");
    }

    @Test
    void encryption_is_preferred_by_default_as_in_libpq() {
        PgConnectOptions options =
                DatabaseUrl.parse("postgresql://u@h/d").reactiveOptions().get(0);

        assertThat(options.getSslMode()).isEqualTo(SslMode.PREFER);
        assertThat(options.isTrustAll()).isTrue();
    }

    @Test
    void verify_full_checks_the_certificate_and_the_name(@TempDir Path directory) throws IOException {
        Path root = Files.createFile(directory.resolve("root.crt"));
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u@h/d?sslmode=verify-full&sslrootcert=" + root);

        PgConnectOptions options = url.reactiveOptions().get(0);
        assertThat(options.getSslMode()).isEqualTo(SslMode.VERIFY_FULL);
        assertThat(options.getHostnameVerificationAlgorithm()).isEqualTo("HTTPS");
        assertThat(options.isTrustAll()).isFalse();
        assertThat(options.getTrustOptions()).isNotNull();
        assertThat(url.jdbcProperties())
                .containsEntry("sslmode", "verify-full")
                .containsEntry("sslrootcert", root.toString());
    }

    @Test
    void require_with_a_root_certificate_verifies_it_as_in_libpq(@TempDir Path directory) throws IOException {
        Path root = Files.createFile(directory.resolve("root.crt"));
        DatabaseUrl url = DatabaseUrl.parse("postgresql://u@h/d?sslmode=require&sslrootcert=" + root);

        assertThat(url.jdbcProperties()).containsEntry("sslmode", "verify-ca");
        assertThat(url.reactiveOptions().get(0).isTrustAll()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "sslmode=verify-full&sslrootcert=/no/such/file, does not exist",
        "sslmode=verify-ca&sslrootcert=system, needs sslmode=verify-full",
        "sslcert=/no/such/file, does not exist",
        "sslpassword=x, sslpassword is not supported",
        "host=/run/postgresql%2Cdb, a unix socket is the only host",
        "passfile=/no/such/file, cannot be read",
    })
    void what_its_sessions_could_not_use_is_refused_early(String parameters, String why) {
        assertThatThrownBy(() -> DatabaseUrl.checked("postgresql://u@/d?" + parameters))
                .isInstanceOf(InvalidDatabaseUrlException.class)
                .hasMessageContaining(why);
    }

    @Test
    void an_error_that_everybody_may_read_tells_neither_where_nor_who() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://app_worker:s3cr3t@db.example.org:5433,10.0.0.7/app");

        assertThat(url.hiddenIn("Connection to db.example.org:5433 refused")).isEqualTo("Connection to … refused");
        assertThat(url.hiddenIn("no entry for user \"app_worker\", database \"app\", which happens"))
                .isEqualTo("no entry for user \"…\", database \"…\", which happens");
        assertThat(url.hiddenIn("Waiting for " + url + ": 10.0.0.7 is away")).isEqualTo("Waiting for …: … is away");
    }
}
