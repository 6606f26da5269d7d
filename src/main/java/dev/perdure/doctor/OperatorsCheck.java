package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of the operators of the workflow language: a dump of schema {@code df} alone leaves them out. */
final class OperatorsCheck implements Check {

    @Override
    public String subject() {
        return "operators";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        if (!patient.isTrue("SELECT to_regprocedure('df._missing_operators()') IS NOT NULL")) {
            return List.of();
        }
        List<@Nullable String> row = patient.row(
                """
                SELECT (SELECT string_agg(m.name, ', ') FROM df._missing_operators() AS m),
                       (SELECT string_agg(DISTINCT o.oprnamespace::regnamespace::text, ', ')
                        FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
                        WHERE p.pronamespace = 'df'::regnamespace)""");
        return row.get(0) == null
                ? List.of(Finding.ok(subject(), "in schema " + row.get(1)))
                : List.of(Finding.problem(
                        subject(),
                        "missing: " + row.get(0) + ", as after a restore of schema df alone",
                        "a worker makes them again when it starts"));
    }
}
