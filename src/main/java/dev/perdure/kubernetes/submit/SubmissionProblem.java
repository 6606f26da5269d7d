package dev.perdure.kubernetes.submit;

import dev.perdure.kubernetes.api.Reason;
import java.sql.SQLException;
import java.util.Set;

/**
 * Meaning of an error during a submission.
 *
 * @param isFinal whether trying again cannot help
 */
public record SubmissionProblem(String reason, String message, boolean isFinal) {

    /** Classes of SQLSTATEs with which {@code df.start} or the evaluation of an expression refuses a definition. */
    private static final Set<String> DEFINITION =
            Set.of("0A", "21", "22", "23", "2F", "34", "38", "39", "3B", "3F", "42", "44", "54", "P0", "XX");

    /** A statement that took longer than it may: the evaluation of an expression. */
    private static final String CANCELED = "57014";

    public static SubmissionProblem of(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String message = e.getMessage() == null ? e.toString() : e.getMessage().replace('\n', ' ');
        if (state.startsWith("28")) {
            return new SubmissionProblem(Reason.LOGIN_FAILED, message, false);
        }
        if (state.equals("42501")) {
            return new SubmissionProblem(Reason.PERMISSION_DENIED, message, false);
        }
        if (state.equals(CANCELED) || state.length() == 5 && DEFINITION.contains(state.substring(0, 2))) {
            return new SubmissionProblem(Reason.INVALID_DEFINITION, message, true);
        }
        return new SubmissionProblem(Reason.DATABASE_UNAVAILABLE, message, false);
    }
}
