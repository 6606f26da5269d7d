package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of {@code max_connections}: room for the sessions of a worker. */
final class ConnectionsCheck implements Check {

    @Override
    public String subject() {
        return "max_connections";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        List<@Nullable String> row = patient.row(
                """
                SELECT current_setting('max_connections')::int,
                       current_setting('superuser_reserved_connections')::int
                           + coalesce(current_setting('reserved_connections', true)::int, 0),
                       (SELECT count(*) FROM pg_stat_activity a
                        WHERE a.backend_type = 'client backend' AND coalesce(a.application_name, '') NOT LIKE 'perdure%')""");
        int all = Integer.parseInt(String.valueOf(row.get(0)));
        int room = all - Integer.parseInt(String.valueOf(row.get(1)));
        int others = Integer.parseInt(String.valueOf(row.get(2)));
        int needed = patient.settings().sessions();
        String text = all + ", of which the worker may use " + needed + " and others have " + others + " at present";
        if (needed > room) {
            return List.of(Finding.problem(
                    subject(),
                    text,
                    "raise max_connections, or lower perdure.step.max-concurrent and perdure.step.role-reserve"));
        }
        return needed + others > room
                ? List.of(Finding.note(
                        subject(), text + ": together more than there are", "steps wait for a session then; raise it"))
                : List.of(Finding.ok(subject(), text));
    }
}
