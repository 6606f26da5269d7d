package dev.perdure.doctor;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.InvalidDatabaseUrlException;
import java.sql.SQLException;
import java.util.Optional;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Remedies for a role that cannot log in. */
final class LoginRemedy {

    private LoginRemedy() {}

    /** The reason in one line. */
    static String reason(Exception e) {
        ServerErrorMessage server = e instanceof PSQLException ours ? ours.getServerErrorMessage() : null;
        String text = server == null ? e.getMessage() : server.getMessage();
        return String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", " ");
    }

    static String of(Exception e, String role, DatabaseUrl url) {
        if (e instanceof InvalidDatabaseUrlException) {
            return "correct the URL, or the file that it names";
        }
        String state = e instanceof SQLException sql ? String.valueOf(sql.getSQLState()) : "";
        String text = reason(e);
        if (text.contains("no pg_hba.conf entry")) {
            return "pg_hba.conf has no line for " + role + " from this address: perdure setup --print shows the lines"
                    + (text.contains("no encryption") ? "; hostssl lines fit TLS only: sslmode of the URL" : "");
        }
        if (text.contains("no password was provided") || state.equals("08004") && text.contains("password")) {
            return "the server asks for a password and none is known for " + role + ": " + passwordPlace(url)
                    + ", or the directory of perdure.login.passwords-directory";
        }
        if (text.contains("password authentication failed")) {
            return "the password of " + role + " is another, or its VALID UNTIL is over: " + passwordPlace(url)
                    + " and ALTER ROLE have to agree";
        }
        if (text.contains("Peer authentication failed") || text.contains("certificate authentication failed")) {
            return "pg_ident.conf does not let " + role + " in: before PostgreSQL 16 each role needs its own line;"
                    + " perdure setup --print shows them";
        }
        return bySqlState(state, role, url).orElseGet(() -> byText(text, url));
    }

    private static Optional<String> bySqlState(String state, String role, DatabaseUrl url) {
        return Optional.ofNullable(
                switch (state) {
                    case "3D000" ->
                        "the database " + url.database() + " does not exist: perdure setup --create-database";
                    case "28000" -> "ALTER ROLE \"" + role + "\" LOGIN, or create the role: perdure setup";
                    case "42501" -> "GRANT CONNECT ON DATABASE \"" + url.database() + "\" TO \"" + role + "\"";
                    case "53300" ->
                        "the server, the database or the role has no connection left: max_connections,"
                                + " CONNECTION LIMIT";
                    case "57P03" -> "wait until the server has started";
                    default -> null;
                });
    }

    private static String byText(String text, DatabaseUrl url) {
        if (text.contains("does not support SSL")) {
            return "the server has no TLS: ssl = on in postgresql.conf, with ssl_cert_file and ssl_key_file";
        }
        if (text.contains("not signed by an authority")) {
            return "sslrootcert of the URL has to name the authority that signed the server's certificate";
        }
        if (text.contains("could not be verified")) {
            return "use a host name that is in the server's certificate";
        }
        if (text.contains("unsupported startup parameter")) {
            return "a pooler is in between, which refuses a parameter: give the worker the server's own address";
        }
        return "is the server up, and is this its address? " + url.hosts();
    }

    private static String passwordPlace(DatabaseUrl url) {
        return url.parameter("passfile")
                .map(file -> "the password file " + file)
                .orElse("passfile of the URL");
    }
}
