package dev.perdure.control;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/**
 * The time zones that the server knows and this worker does not, because its time zone data are older: {@code df.wait_for_schedule} and
 * the like refuse them for as long as it leads.
 */
final class UnknownZones {

    private static final Logger LOG = Logger.getLogger(UnknownZones.class);

    /** The names that {@code df._timezone} accepts. Reads all files of the server's zones, which takes a moment. */
    private static final String NAMES =
            "SELECT z.name FROM pg_catalog.pg_timezone_names z WHERE z.name !~ '^(posix/|right/|posixrules$|localtime$|Factory$)' ORDER BY 1";

    private UnknownZones() {}

    /**
     * Writes the unknown zones, in place of those of the earlier leader, and logs them when they are others.
     *
     * @param epoch of this worker's term; with SQLSTATE DF002 it is over
     * @param isKnown whether the JVM knows a name
     */
    static void tell(Connection connection, long epoch, Predicate<String> isKnown) throws SQLException {
        List<String> unknown = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(NAMES)) {
            while (rows.next()) {
                String name = rows.getString(1);
                if (!isKnown.test(name)) {
                    unknown.add(name);
                }
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT df._set_unknown_zones(?, ?)")) {
            statement.setLong(1, epoch);
            statement.setArray(2, connection.createArrayOf("text", unknown.toArray()));
            try (ResultSet changed = statement.executeQuery()) {
                changed.next();
                if (!changed.getBoolean(1) || unknown.isEmpty()) {
                    return;
                }
            }
        }
        LOG.infof(
                "The time zone data of this Java are older than the server's; schedules cannot use %s until they are updated",
                String.join(", ", unknown));
    }
}
