package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;

/** Check of sequences against their rows: logical replication copies rows and leaves sequences behind. */
final class SequencesCheck implements Check {

    @Override
    public String subject() {
        return "sequences";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        if (!patient.isTrue("SELECT to_regprocedure('df._sequences_behind()') IS NOT NULL")) {
            return List.of();
        }
        String behind = patient.value("SELECT string_agg(b::text, ', ') FROM df._sequences_behind() AS b");
        return behind.equals("null")
                ? List.of(Finding.ok(subject(), "ahead of their rows"))
                : List.of(Finding.problem(
                        subject(),
                        behind + ": behind the rows, as after logical replication; signals would fail",
                        "a worker sets them when it starts"));
    }
}
