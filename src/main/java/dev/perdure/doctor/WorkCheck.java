package dev.perdure.doctor;

import dev.perdure.database.LogText;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of work: instances that wait, logins that fail, the last failure. */
final class WorkCheck implements Check {

    private static final double LONG_SECONDS = 30;

    @Override
    public String subject() {
        return "work";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        if (!patient.isTrue("SELECT to_regprocedure('df._census()') IS NOT NULL")) {
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        List<@Nullable String> census = patient.row(
                "SELECT c.pending, c.running, c.failed, round(c.oldest_pending_seconds) FROM df._census() AS c");
        String text = census.get(0) + " instances wait to begin, " + census.get(1) + " run";
        findings.add(
                Double.parseDouble(String.valueOf(census.get(3))) > LONG_SECONDS
                        ? Finding.problem(
                                subject(),
                                text + "; the oldest waits for " + census.get(3) + " s",
                                "docs/troubleshooting.md, An instance stays pending")
                        : Finding.ok(subject(), text));
        for (List<@Nullable String> login : patient.rows(
                """
                SELECT l.role_oid::regrole, l.problem, date_trunc('second', l.failed_at) FROM df._logins l
                WHERE l.checked_at > clock_timestamp() - interval '1 minute'""")) {
            findings.add(Finding.problem(
                    "login " + login.get(0),
                    "the worker that leads cannot log in since " + login.get(2) + ": " + LogText.of(login.get(1)),
                    "what it waits for goes on by itself"));
        }
        for (List<@Nullable String> failed : patient.rows(
                """
                SELECT i.id, i.submitted_by::text, date_trunc('second', coalesce(i.completed_at, i.updated_at)), i.output
                FROM df.instances i WHERE i.status = 'failed' ORDER BY i.created_at DESC LIMIT 1""")) {
            findings.add(Finding.note(
                    "last error",
                    "instance " + failed.get(0) + " of " + failed.get(1) + " failed " + failed.get(2) + ": "
                            + LogText.of(failed.get(3)),
                    null));
        }
        return findings;
    }
}
