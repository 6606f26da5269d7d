package dev.perdure.setup;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The statements that a plan consists of. */
final class Actions {

    private static final String NO_ROLE = "NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = ?)";

    private Actions() {}

    /**
     * For an administrator, in the database.
     *
     * @param verifiers what the server keeps of the password of a role that is created
     * @param changed the same for roles that get another password than they may have
     */
    static List<Action> ofAdministrator(Plan plan, Map<String, String> verifiers, Map<String, String> changed) {
        List<Action> actions = new ArrayList<>();
        String owner = plan.owner();
        String group = plan.group();
        String database = plan.database();
        actions.add(role(owner, verifiers.get(owner)));
        actions.add(login(owner));
        actions.add(new Action(
                "role " + group + ", the group of submitters",
                NO_ROLE,
                List.of(group),
                "CREATE ROLE %I NOLOGIN",
                List.of(group)));
        for (String submitter : plan.submitters()) {
            actions.add(role(submitter, verifiers.get(submitter)));
            actions.add(login(submitter));
            actions.add(new Action(
                    submitter + " in " + group,
                    "NOT pg_catalog.pg_has_role(?, ?, 'MEMBER')",
                    List.of(submitter, group),
                    "GRANT %I TO %I",
                    List.of(group, submitter)));
        }
        changed.forEach((role, verifier) -> actions.add(new Action(
                "password of " + role, "true", List.of(), "ALTER ROLE %I PASSWORD %L", List.of(role, verifier))));
        for (String role : List.of(owner, group)) {
            actions.add(new Action(
                    "CONNECT on database " + database + " for " + role,
                    "NOT pg_catalog.has_database_privilege(?, ?, 'CONNECT')",
                    List.of(role, database),
                    "GRANT CONNECT ON DATABASE %I TO %I",
                    List.of(database, role)));
        }
        actions.add(new Action(
                "CREATE on database " + database + " for " + owner,
                "NOT pg_catalog.has_database_privilege(?, ?, 'CREATE')",
                List.of(owner, database),
                "GRANT CREATE ON DATABASE %I TO %I",
                List.of(database, owner)));
        actions.add(new Action(
                "USAGE, CREATE on schema public for " + owner + ", who makes the operators there",
                "NOT (pg_catalog.has_schema_privilege(?, 'public', 'USAGE') AND pg_catalog.has_schema_privilege(?, 'public', 'CREATE'))",
                List.of(owner, owner),
                "GRANT USAGE, CREATE ON SCHEMA public TO %I",
                List.of(owner)));
        actions.add(new Action(
                "USAGE on schema public for " + group + ", who use the operators",
                "NOT pg_catalog.has_schema_privilege(?, 'public', 'USAGE')",
                List.of(group),
                "GRANT USAGE ON SCHEMA public TO %I",
                List.of(group)));
        return actions;
    }

    /** For the owner, when the schema is installed. */
    static Action grantUsage(Plan plan) {
        return new Action(
                "use of df for " + plan.group(),
                "NOT (pg_catalog.has_schema_privilege(?, 'df', 'USAGE')"
                        + " AND pg_catalog.has_column_privilege(?, 'df.instances', 'submitted_by', 'INSERT'))",
                List.of(plan.group(), plan.group()),
                "SELECT df.grant_usage(%L)",
                List.of(plan.group()));
    }

    static Action createDatabase(String database) {
        return new Action(
                "database " + database,
                "NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = ?)",
                List.of(database),
                "CREATE DATABASE %I TEMPLATE template0 ENCODING 'UTF8'",
                List.of(database));
    }

    private static Action role(String role, @Nullable String verifier) {
        return verifier == null
                ? new Action("role " + role, NO_ROLE, List.of(role), "CREATE ROLE %I LOGIN", List.of(role))
                : new Action(
                        "role " + role,
                        NO_ROLE,
                        List.of(role),
                        "CREATE ROLE %I LOGIN PASSWORD %L",
                        List.of(role, verifier));
    }

    private static Action login(String role) {
        return new Action(
                "LOGIN for " + role,
                "NOT (SELECT r.rolcanlogin FROM pg_catalog.pg_roles r WHERE r.rolname = ?)",
                List.of(role),
                "ALTER ROLE %I LOGIN",
                List.of(role));
    }
}
