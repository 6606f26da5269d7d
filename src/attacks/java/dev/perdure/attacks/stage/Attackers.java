package dev.perdure.attacks.stage;

import dev.perdure.attacks.Extent;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;

/** Those who attack: submitters with no more rights than {@code df.grant_usage} gives, and a role that has none on {@code df}. */
public final class Attackers implements AutoCloseable {

    /** A submitter. */
    public static final String EVIL = "evil";
    /** A role without any right on {@code df}. */
    public static final String NOBODY = "nobody";

    /** A submitter that may have one connection. */
    public static final String LIMITED = "limited";

    /** More submitters. */
    private static final int MANY = 40;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final AttackedServer server;
    private final Extent extent;
    private final String service;
    private final List<Connection> open = new CopyOnWriteArrayList<>();
    private final List<String> afterwards = new ArrayList<>();
    private final AtomicLong refusals = new AtomicLong();

    Attackers(AttackedServer server, Extent extent, String service) {
        this.server = server;
        this.extent = extent;
        this.service = service;
    }

    /** All submitters among them. */
    static List<String> submitters() {
        List<String> roles = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            roles.add(submitter(i));
        }
        roles.add(LIMITED);
        return roles;
    }

    /** One of {@value #MANY} submitters; the first one is {@link #EVIL}. */
    public static String submitter(int number) {
        return number == 0 ? EVIL : EVIL + "_" + number;
    }

    /** One of two sizes. */
    public int size(int shortForm, int longForm) {
        return extent.size(shortForm, longForm);
    }

    /** A service of theirs, to be called by name. */
    public String service(String path) {
        return service + path;
    }

    /** A session that stays open until the attack is over. */
    public Connection session(String role) throws SQLException {
        Connection session = server.url(role).withParameter("connect_timeout", "10").connect();
        open.add(session);
        return session;
    }

    /** Executes a statement in a session. */
    public static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Executes statements as a role. */
    public void execute(String role, String sql) throws SQLException {
        try (Connection session = server.url(role).connect()) {
            execute(session, sql);
        }
    }

    /** Executes statements as {@link #EVIL}. */
    public void execute(String sql) throws SQLException {
        execute(EVIL, sql);
    }

    /** One value, as {@link #EVIL} sees it. */
    public String value(String sql) throws SQLException {
        try (Connection session = server.url(EVIL).connect()) {
            return Objects.toString(TestDatabase.rows(session, sql).get(0).get(0));
        }
    }

    /** Starts the same workflow several times, in one transaction. */
    public void start(int times, String workflow) throws SQLException {
        start(EVIL, times, workflow);
    }

    /** Starts the same workflow several times, in one transaction, as a role. */
    public void start(String role, int times, String workflow) throws SQLException {
        execute(role, "SELECT count(df.start(" + workflow + ")) FROM generate_series(1, " + times + ") AS i");
    }

    /** What may be refused. */
    @FunctionalInterface
    public interface Try {
        void run() throws SQLException;
    }

    /** Tries things of which some may be refused, and says which. */
    public static String tried(List<Try> tries) {
        int done = 0;
        Map<String, Integer> refused = new TreeMap<>();
        for (Try next : tries) {
            try {
                next.run();
                done++;
            } catch (SQLException e) {
                refused.merge(String.valueOf(e.getSQLState()), 1, Integer::sum);
            }
        }
        return done + " taken" + (refused.isEmpty() ? "" : ", refused " + refused);
    }

    /** Waits until a query, asked as {@link #EVIL}, answers true. */
    public void await(String sql) {
        Awaitility.await(sql)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> value(sql).equals("t"));
    }

    /** Executes a statement again and again until the attack is over, whatever comes of it. */
    public void repeat(String role, String sql) throws SQLException {
        Connection session = session(role);
        Thread thread = new Thread(
                () -> {
                    try {
                        while (!session.isClosed()) {
                            try {
                                execute(session, sql);
                            } catch (SQLException e) {
                                refusals.incrementAndGet();
                            }
                        }
                    } catch (SQLException e) {
                        refusals.incrementAndGet();
                    }
                },
                "attack: " + sql.substring(0, Math.min(60, sql.length())));
        thread.setDaemon(true);
        thread.start();
    }

    /** What is to be done as {@link #EVIL} when the attack is over, so that it can be wound up. */
    public void afterwards(String sql) {
        afterwards.add(sql);
    }

    /** How many instances of {@link #EVIL} there are in each status. */
    public String statuses() throws SQLException {
        return value("SELECT string_agg(n || ' ' || status, ', ') FROM (SELECT status, count(*) AS n FROM df.instances"
                + " GROUP BY status ORDER BY status) x");
    }

    /** What holds locks is rolled back. */
    @Override
    public void close() throws SQLException {
        for (Connection session : open) {
            try {
                session.abort(Runnable::run);
            } catch (SQLException e) {
                // It is closed already.
                continue;
            }
        }
        open.clear();
        for (String sql : afterwards) {
            execute(sql);
        }
    }
}
