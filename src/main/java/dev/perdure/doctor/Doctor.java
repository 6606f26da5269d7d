package dev.perdure.doctor;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.session.SubmitterLogin;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Goes through all checks of a database. */
public final class Doctor {

    /**
     * The subject of an examination.
     *
     * @param worker the worker's URL
     * @param login how the worker logs in as submitters
     * @param passwords whether it has passwords of submitters, besides those of a password file
     * @param sessions how many sessions the worker may have, its own included
     * @param submitters whom to look at besides those who may use {@code df}
     * @param isNew whether no worker is expected to lead yet
     */
    public record Settings(
            DatabaseUrl worker,
            SubmitterLogin login,
            boolean passwords,
            int sessions,
            List<String> submitters,
            boolean isNew) {}

    /** Without an answer for so long, nobody is there. */
    private static final Map<String, String> DRIVER =
            Map.of("connectTimeout", "10", "loginTimeout", "20", "socketTimeout", "60");

    private static final List<Check> CHECKS = List.of(
            new TlsCheck(),
            new VersionCheck(),
            new EncodingCheck(),
            new SchemaCheck(),
            new GrantsCheck(),
            new OperatorsCheck(),
            new SubmittersCheck(),
            new ClockCheck(),
            new ConnectionsCheck(),
            new ServerSettingsCheck(),
            new CitusCheck(),
            new SequencesCheck(),
            new LeaderCheck(),
            new WorkCheck());

    private final Settings settings;

    public Doctor(Settings settings) {
        this.settings = settings;
    }

    /** Looks at everything that can be looked at; nothing is changed. */
    public List<Finding> examine() {
        List<Finding> findings = new ArrayList<>();
        try (Connection session = connect(settings.worker())) {
            Patient patient = new Patient(settings, session);
            findings.add(Finding.ok("reach", settings.worker() + " answers"));
            List<Finding> pooler = look(new PoolerCheck(), patient);
            findings.addAll(pooler);
            if (pooler.stream().anyMatch(Finding::isProblem)) {
                // Settings of this session would be left in somebody else's.
                return findings;
            }
            pin(session);
            for (Check check : CHECKS) {
                findings.addAll(look(check, patient));
            }
        } catch (SQLException | InvalidDatabaseUrlException e) {
            findings.add(Finding.problem(
                    "reach",
                    settings.worker() + ": " + LoginRemedy.reason(e),
                    LoginRemedy.of(e, settings.worker().user(), settings.worker())));
        }
        return findings;
    }

    static Connection connect(DatabaseUrl url) throws SQLException {
        return url.withParameter("application_name", "perdure doctor").connect(DRIVER);
    }

    /** Pins settings: the role's own, or objects of others, must not change the findings. */
    private static void pin(Connection session) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(
                    "SET search_path = pg_catalog, pg_temp; SET default_transaction_isolation = 'read committed';"
                            + " SET statement_timeout = '30s'; SET lock_timeout = '5s'; SET jit = off");
        }
    }

    private static List<Finding> look(Check check, Patient patient) {
        try {
            return check.look(patient);
        } catch (SQLException e) {
            return List.of(Finding.problem(
                    check.subject(), "could not be looked at: " + LoginRemedy.reason(e), "see the other findings"));
        }
    }
}
