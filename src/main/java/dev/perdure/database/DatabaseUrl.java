package dev.perdure.database;

import io.vertx.pgclient.PgConnectOptions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The address of a database: a
 * <a href="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS">libpq connection URI</a>. Every
 * session of the worker, Flyway's included, derives from one such value.
 *
 * <p>Immutable. {@link #toString()} leaves the password out.
 */
public final class DatabaseUrl {

    /** The port of a URL that names none. */
    public static final int DEFAULT_PORT = 5432;

    private final List<Host> hosts;
    private final String user;
    private final @Nullable String password;
    private final String database;
    private final Map<String, String> parameters;
    private final Map<String, String> settings;

    DatabaseUrl(
            List<Host> hosts, String user, @Nullable String password, String database, Map<String, String> parameters) {
        this(hosts, user, password, database, parameters, Map.of());
    }

    private DatabaseUrl(
            List<Host> hosts,
            String user,
            @Nullable String password,
            String database,
            Map<String, String> parameters,
            Map<String, String> settings) {
        this.hosts = List.copyOf(hosts);
        this.user = user;
        this.password = password;
        this.database = database;
        this.parameters = Map.copyOf(parameters);
        this.settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    }

    /**
     * One server of the URL.
     *
     * @param name a host name, an address (IPv6 without brackets) or the directory of a unix socket
     * @param port 1 to 65535
     */
    public record Host(String name, int port) {

        /** Whether {@link #name} is a directory with a unix socket. */
        public boolean isSocketDirectory() {
            return name.startsWith("/");
        }

        /** The file of the unix socket. */
        String socketPath() {
            return name + "/.s.PGSQL." + port;
        }

        @Override
        public String toString() {
            return (name.contains(":") ? "[" + name + "]" : name) + ":" + port;
        }
    }

    /**
     * Reads {@code postgresql://user:password@host:port/database?parameter=value}; {@code postgres://} is the same. What is
     * missing is filled in as libpq does: the user is that of the operating system, the database has the user's name, the
     * port is 5432; a missing host is {@code localhost}. A host that begins with {@code /} (percent-encoded, or as
     * parameter {@code host}) is the directory of a unix socket.
     *
     * @throws InvalidDatabaseUrlException with a message that names the part that is wrong, without its secrets
     */
    public static DatabaseUrl parse(String url) {
        return DatabaseUrlParser.parse(url);
    }

    /**
     * The same, and everything that its sessions need is in place too, such as the files of its certificates.
     *
     * @throws InvalidDatabaseUrlException as {@link #parse} does
     */
    public static DatabaseUrl checked(String url) {
        DatabaseUrl parsed = parse(url);
        parsed.jdbcUrl();
        parsed.jdbcProperties();
        return parsed;
    }

    /** The servers in the order of the URL, at least one. */
    public List<Host> hosts() {
        return hosts;
    }

    /** Whether the server is reached by a unix socket, and not by TCP. */
    public boolean usesUnixSocket() {
        return hosts.get(0).isSocketDirectory();
    }

    /** The role that logs in. */
    public String user() {
        return user;
    }

    /** The password, when the URL has one. */
    public Optional<String> password() {
        return Optional.ofNullable(password);
    }

    /** The database. */
    public String database() {
        return database;
    }

    /** A parameter of the URL by its libpq name, such as {@code sslmode}. */
    public Optional<String> parameter(String name) {
        return Optional.ofNullable(parameters.get(name));
    }

    /** The same for another role; the password of this URL is not handed on. */
    public DatabaseUrl withUser(String otherUser, @Nullable String otherPassword) {
        return new DatabaseUrl(hosts, otherUser, otherPassword, database, parameters, settings);
    }

    /** The same for another database of the server. */
    public DatabaseUrl withDatabase(String otherDatabase) {
        return new DatabaseUrl(hosts, user, password, otherDatabase, parameters, settings);
    }

    /** The same, pinned to one server: for sessions that have to meet the server that another session found. */
    public DatabaseUrl withHost(Host host) {
        return new DatabaseUrl(List.of(host), user, password, database, parameters, settings);
    }

    /**
     * The same with a parameter set or replaced.
     *
     * @param name the libpq name, such as {@code application_name}
     * @throws InvalidDatabaseUrlException when the parameter is unknown or its value impossible
     */
    public DatabaseUrl withParameter(String name, String value) {
        DatabaseUrlParser.checkParameter(name, value);
        Map<String, String> changed = new LinkedHashMap<>(parameters);
        changed.put(name, value);
        return new DatabaseUrl(hosts, user, password, database, changed, settings);
    }

    /**
     * The same with server settings that its sessions of pgjdbc pin: a role's own defaults do not beat them, and {@code RESET ALL}
     * returns to them. They are sent in the startup packet; where a pooler does not pass them on, they are set by statements.
     */
    public DatabaseUrl withSettings(Map<String, String> more) {
        Map<String, String> changed = new LinkedHashMap<>(settings);
        changed.putAll(more);
        return new DatabaseUrl(hosts, user, password, database, parameters, changed);
    }

    /** Text of the {@code options} of a session: those of the URL, and settings behind them. */
    String options(Map<String, String> pinned) {
        List<String> options = new ArrayList<>();
        parameter("options").ifPresent(options::add);
        pinned.forEach((name, value) -> options.add("-c " + name + "=" + escapeOption(value)));
        return String.join(" ", options);
    }

    /** {@code jdbc:postgresql://host:port,…/database}, without user, password or parameters. */
    public String jdbcUrl() {
        return Jdbc.url(this);
    }

    /** Everything of the URL that is not in {@link #jdbcUrl()}, as properties of pgjdbc. A fresh copy each time. */
    public Properties jdbcProperties() {
        return Jdbc.properties(this);
    }

    /**
     * The properties of pgjdbc with others added, which win.
     *
     * @param additional by pgjdbc name, such as {@code binaryTransfer}
     */
    public Properties jdbcProperties(Map<String, String> additional) {
        Properties properties = jdbcProperties();
        properties.putAll(additional);
        return properties;
    }

    /** Opens a session with pgjdbc. With several servers the first that answers in their order is taken. */
    public Connection connect() throws SQLException {
        return connect(Map.of());
    }

    /** Opens a session with pgjdbc and additional properties of pgjdbc. */
    public Connection connect(Map<String, String> additional) throws SQLException {
        return open(additional).connection();
    }

    /**
     * A session that was opened.
     *
     * @param pins the statement to execute after each {@code RESET ALL}; null where that returns to the settings by itself
     */
    public record Opened(Connection connection, @Nullable String pins) {}

    /** Opens a session with pgjdbc and additional properties of pgjdbc, in which {@code RESET ALL} will be executed. */
    public Opened open(Map<String, String> additional) throws SQLException {
        return Jdbc.open(this, settings, additional);
    }

    /** The options of the reactive client, one for each server of the URL in its order. */
    public List<PgConnectOptions> reactiveOptions() {
        return hosts.stream().map(host -> Reactive.options(this, host)).toList();
    }

    /**
     * The URL for other programs such as psql, with the password when there is one: never log it, log
     * {@link #toString()}.
     */
    public String toUri() {
        return UriText.of(this, parameters, password);
    }

    /** A text, such as an error, in which hosts, user and database are "…". */
    public String hiddenIn(String text) {
        Stream<String> names = Stream.concat(
                Stream.of(toString(), user, database),
                hosts.stream().flatMap(host -> Stream.of(host.toString(), host.name())));
        // The longer ones first: one may be part of another.
        String any = names.filter(name -> !name.isEmpty())
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|", "(?U)(?<!\\w)(?:", ")(?!\\w)"));
        return text.replaceAll(any, "…");
    }

    /** The URL without its password. */
    @Override
    public String toString() {
        return UriText.of(this, parameters, password == null ? null : "***");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DatabaseUrl that && toUri().equals(that.toUri()) && settings.equals(that.settings);
    }

    @Override
    public int hashCode() {
        return toUri().hashCode();
    }

    private static String escapeOption(String value) {
        return value.replace("\\", "\\\\").replace(" ", "\\ ");
    }
}
