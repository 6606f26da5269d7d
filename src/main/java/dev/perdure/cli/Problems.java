package dev.perdure.cli;

import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.schema.MigrationException;
import dev.perdure.setup.SetupException;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import picocli.CommandLine;

/** Errors as people read them: the event and the remedy, no stack trace. */
final class Problems {

    private Problems() {}

    /** Reports an exception that ends a command. */
    static int report(Exception e, CommandLine command, CommandLine.ParseResult arguments) throws Exception {
        PrintWriter err = command.getErr();
        if (e instanceof InvalidDatabaseUrlException || e instanceof UsageException) {
            err.println(e.getMessage());
            return CommandLine.ExitCode.USAGE;
        } else if (e instanceof SQLException sql) {
            print(err, sql);
            return Commands.PROBLEM;
        } else if (e instanceof SetupException || e instanceof MigrationException || e instanceof IOException) {
            err.println("ERROR:  " + (e instanceof IOException ? e.toString() : e.getMessage()));
            return Commands.PROBLEM;
        }
        throw e;
    }

    static void print(PrintWriter err, SQLException e) {
        @Nullable ServerErrorMessage error = e instanceof PSQLException failure ? failure.getServerErrorMessage() : null;
        if (error == null) {
            err.println("ERROR:  " + e.getMessage() + " (SQLSTATE " + e.getSQLState() + ")");
            return;
        }
        err.println(error.getSeverity() + ":  " + error.getMessage() + " (SQLSTATE " + error.getSQLState() + ")");
        if (error.getDetail() != null) {
            err.println("DETAIL:  " + error.getDetail());
        }
        String hint = error.getHint() != null ? error.getHint() : hint(error);
        if (hint != null) {
            err.println("HINT:  " + hint);
        }
    }

    /** Adds a hint to the server's error, which cannot name the function that grants the right. */
    private static @Nullable String hint(ServerErrorMessage error) {
        String text = String.valueOf(error.getMessage());
        if (!"42501".equals(error.getSQLState())) {
            return null;
        }
        if (text.matches("permission denied for function http(_multipart)?")) {
            return "The owner of df lets a role send requests: SELECT df.grant_usage('role', include_http => true)";
        }
        return text.equals("permission denied for schema df")
                ? "The owner of df lets a role start workflows: SELECT df.grant_usage('role')"
                : null;
    }
}
