package dev.perdure.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.Set;

/** Reads statements from a terminal, each until its semicolon, and goes on after an error. Lines that begin with a backslash are its own. */
final class SqlPrompt {

    private static final String HELP =
            """
            Statements end with a semicolon. Besides them there are:
              \\df [name]   functions of Perdure, those whose names contain a text
              \\d [name]    views and tables of Perdure, or the columns of one of them or of yours
              \\r           forgets what was typed since the last statement
              \\q           ends the session, as does Ctrl-D
            """;
    // Internal functions have names that begin with an underscore, or an argument by which the worker proves itself.
    private static final String FUNCTIONS =
            """
            SELECT p.proname AS function, pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
                   pg_catalog.obj_description(p.oid, 'pg_proc') AS description
            FROM pg_catalog.pg_proc p
            WHERE p.pronamespace = 'df'::pg_catalog.regnamespace AND p.proname !~ '^_'
              AND 'p_token' <> ALL (coalesce(p.proargnames, '{}')) AND pg_catalog.strpos(p.proname::text, ?) > 0
            ORDER BY 1, 2""";
    private static final String RELATIONS =
            """
            SELECT c.relname AS relation, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
                   pg_catalog.obj_description(c.oid, 'pg_class') AS description
            FROM pg_catalog.pg_class c
            WHERE c.relnamespace = 'df'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname !~ '^_'
              AND pg_catalog.strpos(c.relname::text, ?) > 0
            ORDER BY 1""";
    // Of Perdure first, then as a statement would find it.
    private static final String COLUMNS =
            """
            SELECT a.attname AS column, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
                   pg_catalog.col_description(a.attrelid, a.attnum) AS description
            FROM (SELECT ?::pg_catalog.text AS name) AS n JOIN pg_catalog.pg_attribute a ON a.attrelid = coalesce(
                CASE WHEN pg_catalog.strpos(n.name, '.') = 0 THEN pg_catalog.to_regclass('df.' || n.name) END, n.name::pg_catalog.regclass)
            WHERE a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum""";

    private final Statements statements;
    private final BufferedReader lines;
    private final PrintWriter out;
    private final PrintWriter err;

    SqlPrompt(Statements statements, BufferedReader lines, PrintWriter out, PrintWriter err) {
        this.statements = statements;
        this.lines = lines;
        this.out = out;
        this.err = err;
    }

    void run() throws IOException, SQLException {
        out.println("perdure sql: \\? is the help, \\q ends the session.");
        StringBuilder typed = new StringBuilder();
        for (String line = ask(typed); line != null; line = ask(typed)) {
            String command = line.strip();
            if (command.equals("\\q")
                    || typed.isEmpty() && Set.of("quit", "exit").contains(command)) {
                return;
            } else if (command.equals("\\r")) {
                typed.setLength(0);
            } else if (typed.isEmpty() && (command.startsWith("\\") || command.equals("help"))) {
                obey(command);
            } else if (!typed.isEmpty() || !command.isEmpty()) {
                typed.append(line).append('\n');
                if (Statements.isWhole(typed.toString())) {
                    String text = typed.toString();
                    attempt(() -> statements.execute(text));
                    typed.setLength(0);
                }
            }
        }
        if (!typed.isEmpty()) {
            err.println("Not executed, since its semicolon is missing: "
                    + typed.toString().strip());
            err.flush();
        }
    }

    private String ask(StringBuilder typed) throws IOException {
        out.print(typed.isEmpty() ? "df=> " : "df-> ");
        out.flush();
        return lines.readLine();
    }

    private void obey(String command) {
        String[] words = command.split("\\s+", 2);
        String name = words.length == 1 ? "" : words[1].replaceFirst("^df\\.", "");
        switch (words[0]) {
            case "\\?", "help" -> out.print(HELP);
            case "\\df" -> attempt(() -> statements.query(FUNCTIONS, name));
            case "\\d" -> attempt(() -> statements.query(name.isEmpty() ? RELATIONS : COLUMNS, name));
            default -> out.println("There is no " + words[0] + ". \\? is the help.");
        }
    }

    private void attempt(Attempt attempt) {
        try {
            attempt.run();
        } catch (SQLException e) {
            Problems.print(err, e);
            err.flush();
        }
    }

    /** A question to the server. */
    private interface Attempt {
        void run() throws SQLException;
    }
}
