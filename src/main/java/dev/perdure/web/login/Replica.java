package dev.perdure.web.login;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.LogText;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.Problem;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A read replica of the database: whether reads may go there, its delay, and the roles that have to wait for it after a write. Nobody waits
 * for one that does not answer: a thread looks at it every two seconds while people read, and until it is well again they read the primary.
 * Thread-safe.
 */
public final class Replica implements AutoCloseable {

    /** The interval for calls of {@link #look}. */
    public static final Duration LOOK = Duration.ofSeconds(2);

    private static final Logger LOG = Logger.getLogger(Replica.class);

    private static final long WANTED_NANOS = TimeUnit.MINUTES.toNanos(1);
    /** A replica that has never been seen at the end of the log is believed to be behind after so long. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long REFUSED_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** So long a role reads the primary when nobody knows whether its change was committed. */
    private static final long UNKNOWN_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final int CONNECT_SECONDS = 3;
    private static final int SOCKET_SECONDS = 5;

    private final DatabaseUrl primaryUrl;
    private final DatabaseUrl url;
    private final Gate gate;
    private final Samples samples = new Samples();
    private final Map<String, Wrote> written = new ConcurrentHashMap<>();
    private final Map<String, Long> refused = new ConcurrentHashMap<>();
    private volatile long wantedAt = System.nanoTime() - WANTED_NANOS;
    private volatile Health health = Health.UNKNOWN;
    private volatile boolean primaryIsAway;
    private volatile @Nullable ServerIdentity identity;
    private Health said = Health.UNKNOWN;
    private long lookedSince;
    private @Nullable Connection primary;
    private @Nullable Connection replica;
    private boolean closed;

    /** The last write of a role, which it has to see. */
    private record Wrote(long lsn, long nanos) {}

    /** Whether it may be read. */
    private enum Health {
        /** Nobody has looked yet. */
        UNKNOWN(null),
        WELL(null),
        AWAY("The read replica does not answer: this is from the primary"),
        NONE("The read URL leads to a server that is no replica: this is from the primary"),
        FOREIGN("The read URL leads to another database: this is from the primary");

        private final @Nullable String note;

        Health(@Nullable String note) {
            this.note = note;
        }
    }

    private Replica(DatabaseUrl primary, DatabaseUrl url, Gate gate) {
        this.primaryUrl = primary;
        this.url = url;
        this.gate = gate;
    }

    /**
     * A replica at which nobody has looked yet.
     *
     * @param primary how the worker reaches the database
     * @param given how it reaches the replica; of several hosts a standby is meant
     */
    public static Replica of(
            DatabaseUrl primary, DatabaseUrl given, SubmitterLogin vouched, Duration statementTimeout) {
        DatabaseUrl url = given.hosts().size() > 1
                        && given.parameter("target_session_attrs").isEmpty()
                ? given.withParameter("target_session_attrs", "standby")
                : given;
        int socket = (int) Math.min(3_600, statementTimeout.toSeconds() + SOCKET_SECONDS);
        return new Replica(
                looking(primary), looking(url), new Gate(url, vouched, statementTimeout, CONNECT_SECONDS, socket));
    }

    private static DatabaseUrl looking(DatabaseUrl url) {
        return url.withParameter("application_name", "perdure-replica")
                .withSettings(OwnerSettings.with(Map.of("statement_timeout", "2s")));
    }

    // ---- looking

    /** Looks at both servers, while somebody reads. Blocks. */
    public synchronized void look() {
        if (closed || System.nanoTime() - wantedAt > WANTED_NANOS) {
            rest();
            return;
        }
        if (health == Health.UNKNOWN && lookedSince == 0) {
            lookedSince = System.nanoTime();
        }
        lookAtPrimary();
        Health found = lookAtReplica();
        if (found != said && found != Health.UNKNOWN) {
            said = found;
            if (found == Health.WELL) {
                LOG.infof("The dashboard reads from the replica at %s", url.hosts());
            } else {
                LOG.warnf("%s. It is at %s", found.note, url.hosts());
            }
        }
        health = found;
    }

    private void lookAtPrimary() {
        try {
            Connection session = primary == null ? connect(primaryUrl) : primary;
            primary = session;
            if (identity == null) {
                identity = identityOf(session);
            }
            samples.add(System.nanoTime(), Position.ofPrimary(session));
            primaryIsAway = false;
        } catch (SQLException e) {
            LOG.debugf("The primary does not say where its log ends: %s", LogText.of(String.valueOf(e.getMessage())));
            close(primary);
            primary = null;
            // Another one may come, or the same with another start time.
            identity = null;
            primaryIsAway = true;
        }
    }

    private Health lookAtReplica() {
        try {
            Connection session = replica == null ? connect(url) : replica;
            replica = session;
            if (!isOfPrimary(session)) {
                close(session);
                replica = null;
                return Health.FOREIGN;
            }
            Position position = Position.ofReplica(session);
            if (!position.isReplica()) {
                close(session);
                replica = null;
                return Health.NONE;
            }
            boolean isKnown = health == Health.WELL
                    || samples.isReached(position.lsn())
                    || System.nanoTime() - lookedSince > PATIENCE_NANOS;
            return isKnown ? Health.WELL : Health.UNKNOWN;
        } catch (SQLException e) {
            LOG.debugf("The replica does not answer: %s", LogText.of(String.valueOf(e.getMessage())));
            close(replica);
            replica = null;
            return Health.AWAY;
        }
    }

    private static Connection connect(DatabaseUrl to) throws SQLException {
        return to.connect(Map.of(
                "loginTimeout", Integer.toString(CONNECT_SECONDS), "socketTimeout", Integer.toString(SOCKET_SECONDS)));
    }

    private static ServerIdentity identityOf(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(ServerIdentity.SQL)) {
            row.next();
            return new ServerIdentity(row.getString(1), row.getString(2), row.getString(3));
        }
    }

    /** A replica has the system identifier of its primary, and the oids of its databases. */
    private boolean isOfPrimary(Connection session) throws SQLException {
        ServerIdentity known = identity;
        if (known == null) {
            return true;
        }
        ServerIdentity found = identityOf(session);
        return found.sameCluster(known.systemIdentifier(), known.databaseOid());
    }

    private void rest() {
        close(primary);
        close(replica);
        primary = null;
        replica = null;
        lookedSince = 0;
        health = Health.UNKNOWN;
        samples.clear();
        refused.clear();
    }

    // ---- reading

    /** Opens sessions of a login here. */
    @FunctionalInterface
    interface Opening {
        RoleSession open(Gate gate, String secret) throws Problem;
    }

    SessionPool.Opener opener(String role, Opening opening) {
        return secret -> {
            RoleSession session;
            try {
                session = opening.open(gate, secret);
            } catch (Problem e) {
                failed(role, e);
                throw e;
            }
            boolean kept = false;
            try {
                if (!isOfPrimary(session.connection())) {
                    throw Problem.of(503, "The read replica is another database");
                }
                kept = true;
                return session;
            } catch (SQLException e) {
                throw Problem.of(e);
            } finally {
                if (!kept) {
                    session.close();
                }
            }
        };
    }

    /** Why nobody reads here at the moment, as people are told; null where there is nothing to tell. */
    @Nullable String note(String role) {
        return refused.containsKey(role)
                ? "The read replica does not let this role in: this is from the primary"
                : health.note;
    }

    /** Whether the primary was there when somebody looked last. */
    boolean isPrimaryAway() {
        return primaryIsAway;
    }

    /** Whether a role may read here. Says that somebody wants to. */
    boolean isOfUse(String role) {
        wantedAt = System.nanoTime();
        Long since = refused.get(role);
        if (since != null && System.nanoTime() - since > REFUSED_NANOS) {
            refused.remove(role, since);
            since = null;
        }
        return health == Health.WELL && since == null;
    }

    /**
     * Reads in a session of a login.
     *
     * @param mostBehind where the replica is more seconds behind, nothing is read
     * @return empty when the primary has to be read
     * @throws Problem of the request, which the primary would answer in the same way
     */
    <T> Optional<Read<T>> read(SessionPool pool, String secret, String role, long mostBehind, Logins.Work<T> work)
            throws Problem {
        RoleSession session;
        try {
            session = pool.borrow(secret);
        } catch (Problem e) {
            // All sessions are in use, or none could be opened.
            return Optional.empty();
        }
        try {
            session.connection().setAutoCommit(false);
            Position position = Position.ofReplica(session.connection());
            long behind = samples.behindSeconds(position, System.nanoTime());
            if (!position.isReplica() || behind > mostBehind || !sees(role, position.lsn())) {
                return Optional.empty();
            }
            T value = work.apply(session.connection());
            return Optional.of(new Read<>(value, new Read.Source(true, behind, noteOf(behind))));
        } catch (SQLException e) {
            Problem problem = Problem.of(e);
            if (problem.status() == 504) {
                // It would take as long once more.
                throw problem;
            }
            if (problem.status() == 503) {
                health = Health.AWAY;
            }
            return Optional.empty();
        } catch (Problem e) {
            if (e.status() == 400 || e.status() == 504) {
                throw e;
            }
            // What is not there, or fails there, may be there, or work, on the primary.
            return Optional.empty();
        } finally {
            pool.giveBack(session);
        }
    }

    private void failed(String role, Problem e) {
        if (e.status() == 401 || e.status() == 403) {
            refused.put(role, System.nanoTime());
        } else {
            health = Health.AWAY;
        }
    }

    private @Nullable String noteOf(long behind) {
        if (primaryIsAway) {
            return "The primary does not answer: this is from the read replica, and nothing can be changed";
        }
        return behind >= PATIENCE_NANOS / 1_000_000_000L
                ? "The read replica is " + behind + " s behind: this is as old"
                : null;
    }

    // ---- reading what was written

    private boolean sees(String role, long lsn) {
        Wrote last = written.get(role);
        if (last == null) {
            return true;
        }
        boolean isOver =
                last.lsn() == Long.MAX_VALUE ? System.nanoTime() - last.nanos() > UNKNOWN_NANOS : lsn >= last.lsn();
        if (isOver) {
            written.remove(role, last);
        }
        return isOver;
    }

    /** A role has changed something in this session, and committed: from now on it sees that, wherever it reads. */
    void wrote(String role, Connection session) {
        try {
            written.put(role, new Wrote(Position.ofPrimary(session), System.nanoTime()));
        } catch (SQLException e) {
            mayHaveWritten(role);
        }
    }

    /** The same where nobody knows. */
    void mayHaveWritten(String role) {
        written.put(role, new Wrote(Long.MAX_VALUE, System.nanoTime()));
    }

    private static void close(@Nullable Connection session) {
        try {
            if (session != null) {
                session.close();
            }
        } catch (SQLException e) {
            LOG.debugf("Closing a session: %s", e.getMessage());
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        rest();
    }

    @Override
    public String toString() {
        return Objects.toString(url.hosts());
    }
}
