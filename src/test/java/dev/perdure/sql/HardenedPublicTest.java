package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** Databases in which a role does not find the operators: df.grant_usage says so. */
class HardenedPublicTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    private String granted(String role) throws SQLException {
        StringBuilder said = new StringBuilder();
        try (Connection owner = database.connect(PostgresServer.OWNER);
                Statement statement = owner.createStatement()) {
            statement.execute("SELECT df.grant_usage('" + role + "')");
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                said.append(warning).append('\n');
            }
        }
        return said.toString();
    }

    @Test
    void a_role_that_finds_the_operators_is_granted_without_a_warning() throws SQLException {
        PostgresServer.get().createRole("hard_free");
        assertThat(granted("hard_free")).contains("granted df usage").doesNotContain("operators");
    }

    @Test
    void a_role_without_usage_on_public_is_told_of() throws SQLException {
        PostgresServer.get().createRole("hard_none");
        database.asSuperuser("REVOKE ALL ON SCHEMA public FROM PUBLIC");
        assertThat(granted("hard_none")).contains("finds none of the operators", "no USAGE on schema \"public\"");
        assertThat(granted("PUBLIC")).contains("no USAGE on schema \"public\"");
        assertThat(database.value("hard_none", "SELECT df.start(df.seq('SELECT 1', 'SELECT 2'))"))
                .hasSize(8);
        database.asSuperuser("GRANT USAGE ON SCHEMA public TO hard_none");
        assertThat(granted("hard_none")).doesNotContain("operators");
    }

    @Test
    void a_role_whose_search_path_leaves_them_out_is_told_of() throws SQLException {
        PostgresServer.get().createRole("hard_path");
        String set = "ALTER ROLE hard_path IN DATABASE " + database.name() + " SET search_path = ";
        database.asSuperuser(set + "app, \"odd \"\"schema\"");
        assertThat(granted("hard_path")).contains("schema \"public\" is not in its search_path");
        database.asSuperuser(set + "app, public");
        assertThat(granted("hard_path")).doesNotContain("operators");
    }
}
