package dev.perdure.setup;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Makes a database ready for a worker, or says how. What is there already is left as it is. */
public final class Setup {

    private static final Map<String, String> DRIVER = Map.of("connectTimeout", "10", "loginTimeout", "20");

    private final Plan plan;
    private final PasswordBook passwords;
    private final Map<String, String> given;
    private final Consumer<String> report;

    /**
     * @param given passwords that roles shall have from now on, by role
     * @param report is told what was done, without secrets
     */
    public Setup(Plan plan, PasswordBook passwords, Map<String, String> given, Consumer<String> report) {
        this.plan = plan;
        this.passwords = passwords;
        this.given = new LinkedHashMap<>(given);
        this.report = report;
    }

    /**
     * Creates the database when there is none of its name.
     *
     * @param administrator with any database of the server
     */
    public void createDatabase(DatabaseUrl administrator) throws SQLException {
        try (Connection session = connect(administrator.withDatabase("postgres"))) {
            run(session, Actions.createDatabase(plan.database()));
        }
    }

    /** Runs the administrator's statements, all of them or none, and writes new passwords down first. */
    public void prepare(DatabaseUrl administrator) throws SQLException, SetupException {
        try (Connection session = connect(administrator.withDatabase(plan.database()))) {
            refuseUnusable(session);
            session.setAutoCommit(false);
            for (Action action : actions(existing(session))) {
                run(session, action);
            }
            session.commit();
        }
    }

    /** Installs the schema and lets the group use it, as the owner. */
    public void install(DatabaseUrl worker) throws SQLException {
        int files = Migration.migrate(worker);
        report.accept(files > 0 ? "done     schema df installed" : "there    schema df");
        try (Connection session = connect(worker)) {
            run(session, Actions.grantUsage(plan));
        }
    }

    /**
     * The administrator's statements that are still needed, by a server that is asked and not changed. New passwords are
     * written down: the statements hold what the server keeps of them.
     */
    public List<String> missing(DatabaseUrl administrator) throws SQLException, SetupException {
        List<String> statements = new ArrayList<>();
        try (Connection session = connect(administrator.withDatabase(plan.database()))) {
            refuseUnusable(session);
            List<String> existing = existing(session);
            for (Action action : actions(existing)) {
                // What is asked of a role that does not exist is an error, and needed.
                boolean ofNobody = action.arguments().stream().anyMatch(argument -> isNew(argument, existing));
                if (ofNobody ? !action.what().startsWith("LOGIN for") : action.isNeeded(session)) {
                    statements.add(action.text(session) + ";");
                }
            }
        }
        return statements;
    }

    /** The administrator's statements for a server that nobody asks. */
    public List<String> statements() throws SQLException, SetupException {
        return actions(List.of()).stream()
                .filter(action -> !action.what().startsWith("LOGIN for"))
                .map(action -> action.text() + ";")
                .toList();
    }

    /** Those of the plan, and those who are in the group already: a map without groups has a line for each. */
    public List<String> submitters(DatabaseUrl administrator) throws SQLException {
        List<String> names = new ArrayList<>(plan.submitters());
        try (Connection session = connect(administrator);
                var statement = session.prepareStatement(
                        "SELECT r.rolname FROM pg_roles r JOIN pg_roles g ON g.rolname = ? WHERE r.rolcanlogin"
                                + " AND NOT r.rolsuper AND pg_has_role(r.oid, g.oid, 'MEMBER') ORDER BY 1")) {
            statement.setString(1, plan.group());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    if (!names.contains(rows.getString(1))) {
                        names.add(rows.getString(1));
                    }
                }
            }
        }
        return names;
    }

    /** The owner's statement for the time after a worker has installed the schema. */
    public String ownersStatement() {
        return Actions.grantUsage(plan).text() + ";";
    }

    private boolean isNew(String name, List<String> existing) {
        return roles().anyMatch(name::equals) && !existing.contains(name)
                || name.equals(plan.group()) && !existing.contains(name);
    }

    private Stream<String> roles() {
        return Stream.concat(Stream.of(plan.owner()), plan.submitters().stream());
    }

    private List<Action> actions(List<String> existing) throws SQLException, SetupException {
        Map<String, String> verifiers = new HashMap<>();
        Map<String, String> changed = new LinkedHashMap<>();
        for (String role : roles().toList()) {
            Optional<String> password = password(role, existing.contains(role));
            if (password.isEmpty()) {
                continue;
            }
            String verifier = PasswordBook.verifier(role, password.get());
            (existing.contains(role) ? changed : verifiers).put(role, verifier);
        }
        return Actions.ofAdministrator(plan, verifiers, changed);
    }

    /** The password that a role gets, written down for the worker; empty when it keeps the one that it has. */
    private Optional<String> password(String role, boolean exists) throws SQLException, SetupException {
        String wanted = given.get(role);
        if (wanted != null) {
            passwords.write(role, wanted);
            return Optional.of(wanted);
        }
        if (exists || plan.access().method() != AccessMethod.PASSWORD) {
            return Optional.empty();
        }
        Optional<String> known = passwords.known(role);
        if (known.isPresent()) {
            return known;
        }
        String invented = passwords.invent();
        passwords.write(role, invented);
        report.accept("done     password of " + role + " written to " + passwords.file());
        return Optional.of(invented);
    }

    private List<String> existing(Connection session) throws SQLException {
        List<String> names = new ArrayList<>(roles().toList());
        names.add(plan.group());
        try (var statement =
                session.prepareStatement("SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = ANY (?)")) {
            statement.setArray(1, session.createArrayOf("text", names.toArray()));
            try (ResultSet rows = statement.executeQuery()) {
                List<String> found = new ArrayList<>();
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
                return found;
            }
        }
    }

    private void run(Connection session, Action action) throws SQLException {
        boolean needed = action.isNeeded(session);
        if (needed) {
            action.execute(session);
        }
        if (needed || !action.what().startsWith("LOGIN for")) {
            report.accept((needed ? "done     " : "there    ") + action.what());
        }
    }

    /** Refuses a database with a fault that no statement of ours would repair. */
    private void refuseUnusable(Connection session) throws SQLException, SetupException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT pg_catalog.pg_encoding_to_char(d.encoding), pg_catalog.pg_is_in_recovery()"
                                + " FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()")) {
            row.next();
            if (row.getBoolean(2)) {
                throw new SetupException("this server is a standby: name the primary");
            }
            if (!"UTF8".equals(row.getString(1))) {
                throw new SetupException("the database " + plan.database() + " has the encoding " + row.getString(1)
                        + ", which cannot hold every text that a workflow can. Nothing was changed. Give Perdure another one"
                        + " (--create-database makes it)");
            }
        }
    }

    static Connection connect(DatabaseUrl url) throws SQLException {
        DatabaseUrl pinned = url.withParameter("application_name", "perdure setup");
        Connection session = pinned.connect(DRIVER);
        try (Statement statement = session.createStatement()) {
            statement.execute("SET search_path = pg_catalog, pg_temp");
        }
        return session;
    }
}
