package dev.perdure.database;

import dev.perdure.database.DatabaseUrl.Host;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.postgresql.ssl.DefaultJavaSSLFactory;

/** A {@link DatabaseUrl} in the terms of pgjdbc. */
public final class Jdbc {

    private static final Driver DRIVER = new Driver();

    /**
     * The driver looks for socket factories with its own class loader. In development mode that one does not know our classes; there
     * the system's own keep-alive has to do.
     */
    private static final boolean KNOWS_OUR_CLASSES = knows(KeepAliveSocketFactory.class.getName());

    private Jdbc() {}

    public static String url(DatabaseUrl url) {
        String hosts = url.hosts().stream().map(Jdbc::address).collect(Collectors.joining(","));
        return "jdbc:postgresql://" + hosts + "/" + UriText.encode(url.database());
    }

    public static Properties properties(DatabaseUrl url) {
        Properties properties = new Properties();
        PGProperty.USER.set(properties, url.user());
        Passfile.passwordOf(url, url.hosts().get(0))
                .ifPresent(password -> PGProperty.PASSWORD.set(properties, password));
        PGProperty.APPLICATION_NAME.set(
                properties, url.parameter("application_name").orElse("perdure"));
        url.parameter("connect_timeout").ifPresent(seconds -> PGProperty.CONNECT_TIMEOUT.set(properties, seconds));
        url.parameter("options").ifPresent(options -> PGProperty.OPTIONS.set(properties, options));
        url.parameter("channel_binding").ifPresent(mode -> PGProperty.CHANNEL_BINDING.set(properties, mode));
        PGProperty.TARGET_SERVER_TYPE.set(properties, targetServerType(url));
        PGProperty.TCP_KEEP_ALIVE.set(properties, true);
        if (url.usesUnixSocket()) {
            // As in libpq, nothing is encrypted that does not leave the machine.
            PGProperty.SSL_MODE.set(properties, "disable");
            PGProperty.GSS_ENC_MODE.set(properties, "disable");
            PGProperty.SOCKET_FACTORY.set(properties, UnixSocketFactory.class.getName());
            PGProperty.SOCKET_FACTORY_ARG.set(properties, url.hosts().get(0).socketPath());
        } else {
            if (KNOWS_OUR_CLASSES) {
                PGProperty.SOCKET_FACTORY.set(properties, KeepAliveSocketFactory.class.getName());
            }
            tls(Tls.of(url), properties);
        }
        return properties;
    }

    private static boolean knows(String name) {
        try {
            Class.forName(name, false, Driver.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /** Past {@code DriverManager}, whose list of drivers depends on class loaders. */
    public static Connection connect(String url, Properties properties) throws SQLException {
        Connection connection;
        try {
            connection = DRIVER.connect(url, properties);
        } catch (SQLException e) {
            throw ConnectFailure.explain(e);
        }
        if (connection == null) {
            throw new SQLException("pgjdbc does not accept the URL " + url, "08001");
        }
        return connection;
    }

    /** A session in which settings are pinned, whether or not the startup packet can hold them. */
    static DatabaseUrl.Opened open(DatabaseUrl url, Map<String, String> settings, Map<String, String> additional)
            throws SQLException {
        String address = url.jdbcUrl();
        Map<String, String> startup = PinnedSettings.ofStartup(settings);
        if (!PinnedSettings.isPooler(address)) {
            Properties properties = url.jdbcProperties(additional);
            String options = url.options(startup);
            if (!options.isEmpty()) {
                PGProperty.OPTIONS.set(properties, options);
            }
            try {
                return pinned(connect(address, properties), settings, false);
            } catch (SQLException e) {
                if (!PinnedSettings.isRefusal(address, e.getSQLState(), e.getMessage())) {
                    throw e;
                }
            }
        }
        Properties properties = url.jdbcProperties(additional);
        // With it, pgjdbc sends more in the startup packet.
        PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, (String) null);
        return pinned(connect(address, properties), settings, true);
    }

    private static DatabaseUrl.Opened pinned(Connection connection, Map<String, String> settings, boolean all)
            throws SQLException {
        try {
            return new DatabaseUrl.Opened(connection, PinnedSettings.pin(connection, settings, all));
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /** For code that asks for a {@link DataSource}. Not a pool: each connection is a new session. */
    public static DataSource dataSource(DatabaseUrl url) {
        return new UrlDataSource(url);
    }

    private static void tls(Tls tls, Properties properties) {
        PGProperty.SSL_MODE.set(properties, tls.mode());
        tls.certificate().ifPresent(file -> PGProperty.SSL_CERT.set(properties, file));
        tls.key()
                .ifPresent(file -> PGProperty.SSL_KEY.set(
                        properties, PrivateKeyFile.strict(Path.of(file)).toString()));
        // pgjdbc takes a key for RSA unless told otherwise.
        tls.certificate().ifPresent(file -> PGProperty.PEM_KEY_ALGORITHM.set(properties, Tls.keyAlgorithm(file)));
        if (tls.trustsSystem()) {
            PGProperty.SSL_FACTORY.set(properties, DefaultJavaSSLFactory.class.getName());
        } else {
            tls.rootCertificate().ifPresent(file -> PGProperty.SSL_ROOT_CERT.set(properties, file));
        }
    }

    private static String targetServerType(DatabaseUrl url) {
        String wanted = url.parameter("target_session_attrs").orElse(url.hosts().size() > 1 ? "primary" : "any");
        return switch (wanted) {
            case "any" -> "any";
            case "standby" -> "secondary";
            case "prefer-standby" -> "preferSecondary";
            default -> "primary";
        };
    }

    private static String address(Host host) {
        // pgjdbc wants a name; where the session goes is decided by the socket factory.
        return host.isSocketDirectory() ? "localhost:" + host.port() : host.toString();
    }
}
