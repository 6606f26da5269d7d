package dev.perdure.doctor;

import dev.perdure.database.InvalidDatabaseUrlException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Logs in as each submitter, by the worker's way, and looks whether a workflow could be started there. */
final class SubmittersCheck implements Check {

    private static final int MOST = 100;

    /** Those who were named, whose instances have not ended, or who may use {@code df}. */
    private static final String CANDIDATES =
            """
            SELECT r.rolname, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil < now(),
                   has_database_privilege(r.oid, current_database(), 'CONNECT'),
                   s.oid IS NOT NULL AND r.oid <> s.nspowner AND pg_has_role(r.oid, s.nspowner, 'MEMBER'),
                   s.oid IS NOT NULL AND NOT (has_schema_privilege(r.oid, s.oid, 'USAGE')
                       AND has_column_privilege(r.oid, 'df.instances', 'submitted_by', 'INSERT')),
                   format('ALTER ROLE %I LOGIN', r.rolname),
                   format('ALTER ROLE %I CONNECTION LIMIT -1', r.rolname),
                   format('ALTER ROLE %I VALID UNTIL ''infinity''', r.rolname),
                   format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), r.rolname),
                   format('SELECT df.grant_usage(%L)', r.rolname),
                   r.rolsuper
            FROM pg_roles r LEFT JOIN pg_namespace s ON s.nspname = 'df'
            WHERE r.rolname = ANY (?)
               OR %s""";

    private static final String OF_SCHEMA =
            """
            r.rolname <> current_user AND NOT r.rolsuper AND r.rolname NOT LIKE 'pg\\_%'
                  AND (r.rolcanlogin AND has_schema_privilege(r.oid, s.oid, 'USAGE')
                           AND has_column_privilege(r.oid, 'df.instances', 'submitted_by', 'INSERT')
                       OR EXISTS (SELECT FROM df._inbox x WHERE x.role = r.oid))
            ORDER BY r.rolname""";

    @Override
    public String subject() {
        return "submitters";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        List<String> named = patient.settings().submitters();
        boolean isInstalled = patient.isTrue("SELECT to_regclass('df._inbox') IS NOT NULL");
        List<List<@Nullable String>> roles = patient.rows(
                isInstalled
                        ? CANDIDATES.replace("%s", OF_SCHEMA)
                        : CANDIDATES
                                .replace("OR %s", "")
                                .replace(
                                        "has_column_privilege(r.oid, 'df.instances', 'submitted_by', 'INSERT')",
                                        "true"),
                patient.session().createArrayOf("text", named.toArray()));
        for (String name : named) {
            if (roles.stream().noneMatch(role -> name.equals(role.get(0)))) {
                findings.add(Finding.problem("login " + name, "there is no such role", "CREATE ROLE … LOGIN"));
            }
        }
        for (List<@Nullable String> role : roles.subList(0, Math.min(MOST, roles.size()))) {
            findings.add(look(patient, role));
        }
        if (roles.size() > MOST) {
            findings.add(Finding.note(
                    subject(), (roles.size() - MOST) + " more were not looked at", "--submitter ROLE looks at one"));
        }
        if (findings.isEmpty()) {
            findings.add(Finding.note(subject(), "nobody may start workflows yet", "SELECT df.grant_usage('…')"));
        }
        return findings;
    }

    private static Finding look(Patient patient, List<@Nullable String> role) {
        String name = String.valueOf(role.get(0));
        String subject = "login " + name;
        if (!is(role.get(1))) {
            return Finding.problem(subject, "the role has no LOGIN", role.get(7));
        } else if ("0".equals(role.get(2))) {
            return Finding.problem(subject, "the role's CONNECTION LIMIT is 0", role.get(8));
        } else if (!is(role.get(4))) {
            return Finding.problem(subject, "the role may not connect to this database", role.get(10));
        } else if (is(role.get(5)) && !is(role.get(12))) {
            return Finding.problem(
                    subject,
                    "the role is a member of the owner of df: df.start refuses it",
                    "REVOKE " + patient.url().user() + " FROM …");
        } else if (is(role.get(3)) && patient.settings().passwords()) {
            return Finding.problem(subject, "the role's password has expired (VALID UNTIL)", role.get(9));
        }
        try (Connection session = Doctor.connect(patient.settings().login().loginAs(patient.url(), name))) {
            if (is(role.get(6))) {
                return Finding.problem(subject, "works, but the role may not use df", role.get(11));
            }
            return operators(session, subject);
        } catch (SQLException | InvalidDatabaseUrlException e) {
            return Finding.problem(subject, LoginRemedy.reason(e), LoginRemedy.of(e, name, patient.url()));
        }
    }

    /** Checks the operators under the role's own {@code search_path} and rights. */
    private static Finding operators(Connection session, String subject) throws SQLException {
        String path = Patient.rows(
                        session, "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(false), ', ')")
                .get(0)
                .get(0);
        if (Patient.rows(session, "SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'df'")
                .isEmpty()) {
            return Finding.ok(subject, "works");
        }
        try {
            Patient.rows(session, "SELECT 'SELECT 1'::pg_catalog.text ~> 'SELECT 2'::pg_catalog.text");
            return Finding.ok(subject, "works, and finds the operators");
        } catch (SQLException e) {
            return Finding.problem(
                    subject,
                    "works, but an operator of the workflow language is not found in its search_path (" + path + "): "
                            + LoginRemedy.reason(e),
                    "USAGE on the schema of the operators (GRANT USAGE ON SCHEMA public TO …), and that schema in the role's"
                            + " search_path; or df.seq(…) in place of ~>");
        }
    }

    private static boolean is(@Nullable String value) {
        return "t".equals(value);
    }
}
