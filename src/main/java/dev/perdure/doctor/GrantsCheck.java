package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of the rights of the owner of schema {@code df}, missing and superfluous, and of the roles that could act as it. */
final class GrantsCheck implements Check {

    @Override
    public String subject() {
        return "owner";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        List<@Nullable String> row = patient.row(
                """
                SELECT current_user, r.rolsuper, has_database_privilege(current_database(), 'CREATE'),
                       to_regnamespace('df') IS NOT NULL,
                       coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'USAGE, CREATE'), true),
                       coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), true),
                       coalesce(has_schema_privilege('public', to_regnamespace('public')::oid, 'CREATE'), false),
                       format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user),
                       format('GRANT USAGE, CREATE ON SCHEMA public TO %I', current_user)
                FROM pg_roles r WHERE r.rolname = current_user""");
        String owner = String.valueOf(row.get(0));
        boolean isInstalled = is(row.get(3));
        if (is(row.get(1))) {
            findings.add(Finding.problem(
                    subject(),
                    owner + " is a superuser, and so is whatever the worker does",
                    "ALTER ROLE … NOSUPERUSER"));
        }
        if (!isInstalled && !is(row.get(2))) {
            findings.add(Finding.problem(subject(), owner + " may not create the schema df", row.get(7)));
        }
        if (!is(row.get(4)) || !is(row.get(5))) {
            String text = owner + " may not create the operators in schema public";
            findings.add(
                    isInstalled
                            ? Finding.note(
                                    subject(), text + ", which a worker does that finds them missing", row.get(8))
                            : Finding.problem(subject(), text, row.get(8)));
        }
        if (is(row.get(6))) {
            findings.add(Finding.problem(
                    "public",
                    "every role may create objects in schema public, also operators beside those of the workflow language",
                    "REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
        }
        String members = patient.value(
                """
                SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles r
                WHERE NOT r.rolsuper AND r.rolname <> current_user AND pg_has_role(r.oid, current_user::regrole, 'MEMBER')""");
        if (!members.equals("null")) {
            findings.add(Finding.note(
                    subject(),
                    members + ": members of " + owner
                            + ", who can read and change everybody's workflows and start none",
                    "REVOKE " + owner + " FROM …"));
        }
        if (findings.isEmpty()) {
            findings.add(Finding.ok(subject(), owner + " may do what it has to, and nobody may act as it"));
        }
        return findings;
    }

    private static boolean is(@Nullable String value) {
        return "t".equals(value);
    }
}
