package dev.perdure.doctor;

import dev.perdure.schema.SchemaState;
import java.sql.SQLException;
import java.util.List;

/** Check of schema {@code df}: there, the owner's, and of this version. */
final class SchemaCheck implements Check {

    @Override
    public String subject() {
        return "schema df";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        SchemaState state = SchemaState.read(patient.url());
        if (!state.refusal().isEmpty()) {
            return List.of(Finding.problem(subject(), state.refusal(), "as it says"));
        }
        if (!state.installed()) {
            return List.of(Finding.note(subject(), "is not installed yet", "a worker installs it when it starts"));
        }
        if (!state.newer().isEmpty()) {
            return List.of(Finding.note(
                    subject(),
                    "was upgraded by a newer Perdure (" + String.join(", ", state.newer()) + ") than this one, "
                            + SchemaState.ofThisBuild(),
                    "let the newer one look"));
        }
        if (!state.pending().isEmpty()) {
            return List.of(Finding.note(
                    subject(),
                    "is older than this Perdure, " + SchemaState.ofThisBuild() + ": "
                            + state.pending().size() + " files to be executed",
                    "a worker of this version upgrades it when it starts"));
        }
        return List.of(Finding.ok(subject(), patient.value("SELECT df.version()")));
    }
}
