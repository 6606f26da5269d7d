package dev.perdure.setup;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/**
 * Facts about a server on which its lines depend.
 *
 * @param version major
 * @param address from which this program reaches it, in the words of pg_hba.conf
 * @param hbaFile where pg_hba.conf is, when this role may know
 * @param identFile the same of pg_ident.conf
 */
public record ServerFacts(int version, String address, Optional<String> hbaFile, Optional<String> identFile) {

    private static final String QUERY =
            """
            SELECT current_setting('server_version_num')::int / 10000,
                   coalesce(host(inet_client_addr()) || CASE family(inet_client_addr()) WHEN 4 THEN '/32' ELSE '/128' END, 'samehost'),
                   (SELECT s.setting FROM pg_settings s WHERE s.name = 'hba_file'),
                   (SELECT s.setting FROM pg_settings s WHERE s.name = 'ident_file')""";

    /** Asks the server. */
    public static ServerFacts read(DatabaseUrl administrator) throws SQLException {
        try (Connection session = Setup.connect(administrator);
                Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(QUERY)) {
            row.next();
            return new ServerFacts(
                    row.getInt(1),
                    row.getString(2),
                    Optional.ofNullable(row.getString(3)),
                    Optional.ofNullable(row.getString(4)));
        }
    }
}
