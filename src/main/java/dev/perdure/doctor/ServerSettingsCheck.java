package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings of the server that change how workflows run. */
final class ServerSettingsCheck implements Check {

    @Override
    public String subject() {
        return "settings";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        isolation(patient, findings);
        findings.add(Finding.ok(
                subject(),
                "jit = " + patient.value("SELECT s.reset_val FROM pg_settings s WHERE s.name = 'jit'")
                        + " for steps; the worker's own sessions switch it off"));
        return findings;
    }

    /** The defaults of the server, the database or a role, in the words of its configuration. */
    private static void isolation(Patient patient, List<Finding> findings) throws SQLException {
        for (List<@Nullable String> row : patient.rows(
                """
                SELECT concat_ws(' ', CASE WHEN s.setdatabase <> 0 THEN 'database ' || d.datname END,
                                 CASE WHEN s.setrole <> 0 THEN 'role ' || s.setrole::regrole END), split_part(c, '=', 2)
                FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase CROSS JOIN LATERAL unnest(s.setconfig) AS c
                WHERE c LIKE 'default_transaction_isolation=%' AND c NOT LIKE '%=read committed'
                  AND s.setdatabase IN (0, (SELECT x.oid FROM pg_database x WHERE x.datname = current_database()))""")) {
            findings.add(Finding.note(
                    "isolation",
                    "default_transaction_isolation of " + row.get(0) + " is " + row.get(1)
                            + ": df.await_instance refuses to wait there, and steps that collide are repeated",
                    "read committed, where nothing needs more"));
        }
    }
}
