package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of the server: a supported PostgreSQL that takes writes. */
final class VersionCheck implements Check {

    private static final int OLDEST = 14;
    private static final int NEWEST = 18;

    @Override
    public String subject() {
        return "server";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        List<@Nullable String> row = patient.row(
                "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version'), pg_is_in_recovery()");
        int major = Integer.parseInt(String.valueOf(row.get(0)));
        String version = "PostgreSQL " + row.get(1);
        if (major < OLDEST) {
            return List.of(Finding.problem(subject(), version + " is too old", "Perdure needs 14 to 18"));
        }
        if ("t".equals(row.get(2))) {
            return List.of(Finding.problem(
                    subject(),
                    version + ", a standby: the worker waits until it is promoted",
                    "name the primary in the URL, or all servers (host1,host2)"));
        }
        return major > NEWEST
                ? List.of(Finding.note(
                        subject(),
                        version + " is newer than what this Perdure was tested with",
                        "look for a newer Perdure"))
                : List.of(Finding.ok(subject(), version));
    }
}
