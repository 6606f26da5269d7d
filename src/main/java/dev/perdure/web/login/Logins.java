package dev.perdure.web.login;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.Problem;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * All current logins. The table knows neither cookies nor passwords: its keys are derived from the secrets that callers send, and passwords
 * are sealed with these. Thread-safe; what opens sessions blocks.
 */
public final class Logins implements AutoCloseable {

    /** A Basic login asks the server again after this long, so that a password that was changed is not good for longer. */
    private static final long BASIC_FOR_MILLIS = 60_000;

    private static final int MAX_SECRET = 200;
    /** The delay of the replica from which streams read the primary. */
    private static final long LIVE_SECONDS = 2;

    private final Gate gate;
    private final Limits limits;
    private final InstantSource clock;
    private final Attempts attempts;
    /** Databases of one server have the same roles, and the same tries at them. */
    private final String server;

    private final Semaphore sessions;
    private final @Nullable Replica replica;
    private final Semaphore onReplica;
    private final byte[] ofBasic = Sealed.random(32);
    private final LoginTable all = new LoginTable();

    /**
     * The limits of logins.
     *
     * @param sessions on the server, of all together
     * @param maxIdleMillis a login that was not used for so long is over
     * @param maxAgeMillis used or not
     * @param tryOut the role that anybody may use without a password, or null for none
     */
    public record Limits(int sessions, long maxIdleMillis, long maxAgeMillis, @Nullable String tryOut) {}

    /**
     * A login that was just made.
     *
     * @param cookie the secret, which is kept by the caller only
     * @param csrf what each request that changes something has to carry
     */
    public record Entered(String role, String cookie, String csrf) {}

    /** A caller that is logged in, for one request. */
    public final class Caller {
        private final Login login;
        private final String secret;

        private Caller(Login login, String secret) {
            this.login = login;
            this.secret = secret;
        }

        public String role() {
            return login.role();
        }

        /** All roles that somebody has vouched for; none where the role has a password. */
        public List<String> roles() {
            return login.roles();
        }

        /** The token that each changing request with the cookie has to carry. */
        public String csrf() {
            return csrfOf(secret);
        }

        /** Whether the login of this caller is not over; a check for work that goes on for longer than a request, and as good as one. */
        public boolean isStill() {
            long now = clock.millis();
            if (login.isClosed() || login.isOver(now, limits.maxIdleMillis(), limits.maxAgeMillis())) {
                return false;
            }
            login.touch(now);
            return true;
        }

        public boolean isOfSameLogin(Caller other) {
            return login == other.login;
        }

        /** Reads, from the replica where there is one that is of use, and otherwise from the primary. */
        public <T> Read<T> read(Work<T> work) throws Problem {
            return read(Long.MAX_VALUE, work);
        }

        /** The same, from a replica only if it shows the latest changes. */
        public <T> T readLive(Work<T> work) throws Problem {
            return read(LIVE_SECONDS, work).value();
        }

        private <T> Read<T> read(long mostBehind, Work<T> work) throws Problem {
            Replica at = replica;
            SessionPool pool = login.replica();
            if (at == null || pool == null) {
                return new Read<>(inSession(work), null);
            }
            if (at.isOfUse(role())) {
                checkAgain(at);
                all.makeRoom(onReplica, login, Login::replica);
                Optional<Read<T>> read = at.read(pool, secret, role(), mostBehind, work);
                if (read.isPresent()) {
                    return read.get();
                }
            }
            return new Read<>(inSession(work), Read.Source.primary(at.note(role())));
        }

        /**
         * A replica may let in a user whom the primary does not let in any more. Where the primary is away nobody can have changed that.
         */
        private void checkAgain(Replica at) throws Problem {
            if (at.isPrimaryAway() || login.primary().checkedNanosAgo() < SessionPool.MAX_AGE_NANOS) {
                return;
            }
            try {
                inSession(session -> role());
            } catch (Problem e) {
                if (e.status() != 503) {
                    throw e;
                }
            }
        }

        /** Changes something, and sees it from now on wherever this role reads. */
        public <T> T change(Work<T> work) throws Problem {
            Replica at = replica;
            if (at == null) {
                return inSession(work);
            }
            return inSession(session -> {
                T value;
                try {
                    value = work.apply(session);
                } catch (SQLException e) {
                    at.mayHaveWritten(role());
                    throw e;
                }
                at.wrote(role(), session);
                return value;
            });
        }

        /** Does something in a session of the caller, on the primary, which is read only until somebody says otherwise. */
        public <T> T inSession(Work<T> work) throws Problem {
            all.makeRoom(sessions, login, Login::primary);
            RoleSession session;
            try {
                session = login.primary().borrow(secret);
            } catch (Problem e) {
                if (e.status() == 401) {
                    end(this);
                }
                throw e;
            }
            try {
                session.connection().setAutoCommit(false);
                return work.apply(session.connection());
            } catch (SQLException e) {
                throw Problem.of(e);
            } finally {
                login.primary().giveBack(session);
            }
        }
    }

    /** The work in a session; the transaction has begun, and is rolled back unless the work commits. */
    public interface Work<T> {
        T apply(Connection session) throws SQLException, Problem;
    }

    private Logins(
            Gate gate,
            @Nullable Replica replica,
            String server,
            Limits limits,
            Attempts attempts,
            InstantSource clock) {
        this.server = server;
        this.replica = replica;
        this.onReplica = new Semaphore(limits.sessions(), true);
        this.gate = gate;
        this.limits = limits;
        this.clock = clock;
        this.attempts = attempts;
        this.sessions = new Semaphore(limits.sessions(), true);
    }

    /**
     * The logins of a database.
     *
     * @param replica where they read, or null for where they write
     * @param attempts at logging in to this and other databases
     */
    public static Logins of(
            DatabaseUrl worker,
            SubmitterLogin vouched,
            Duration statementTimeout,
            @Nullable Replica replica,
            Limits limits,
            Attempts attempts,
            InstantSource clock) {
        return new Logins(
                new Gate(worker, vouched, statementTimeout),
                replica,
                worker.hosts().toString(),
                limits,
                attempts,
                clock);
    }

    /**
     * Logs in. Always a new secret, whatever the caller has sent before.
     *
     * @param address of the caller, whose tries are counted
     */
    public Entered enter(String role, String password, String address) throws Problem {
        Attempts.Try attempt = attempts.begin(server, role, address);
        RoleSession first = gate.enter(role, password);
        attempts.succeeded(attempt);
        String secret = Sealed.randomText();
        add(keyOf(secret), role, withPassword(role, password, secret), Long.MAX_VALUE, first);
        return new Entered(role, secret, csrfOf(secret));
    }

    /** The role that people try out, when there is one. */
    public Optional<String> tryOut() {
        return Optional.ofNullable(limits.tryOut());
    }

    /** Logs in as the role that people try out. */
    public Entered enterTryOut() throws Problem {
        String role = limits.tryOut();
        if (role == null) {
            throw Problem.of(404, "There is no role to try out");
        }
        RoleSession first = gate.enterTrusted(role);
        String secret = Sealed.randomText();
        add(keyOf(secret), role, (at, ignored) -> at.open(role, null), Long.MAX_VALUE, first);
        return new Entered(role, secret, csrfOf(secret));
    }

    private Replica.Opening withPassword(String role, String password, String secret) {
        Sealed sealed = Sealed.seal(password, secret);
        return (at, with) -> at.open(role, sealed.open(with));
    }

    /**
     * Logs in as a role that somebody else has vouched for. Never as a role from which more could be had.
     *
     * @param roles all that they vouched for
     */
    public Entered enterVouched(String role, List<String> roles) throws Problem {
        RoleSession first = gate.openVouched(role);
        String secret = Sealed.randomText();
        add(keyOf(secret), role, (at, ignored) -> at.openVouched(role), Long.MAX_VALUE, first)
                .mayBe(roles);
        return new Entered(role, secret, csrfOf(secret));
    }

    /**
     * The caller that sends the same voucher with each request, and was let in with it before. Does not block.
     *
     * @param voucher what is sent, which has been checked
     */
    public Optional<Caller> knownByVoucher(String role, String voucher) {
        String secret = Sealed.token(ofBasic, "voucher\0" + role + "\0" + voucher);
        return known(secret, limits.maxIdleMillis(), limits.maxAgeMillis());
    }

    /** The same for somebody who has to be let in; until the moment at which it is worth nothing any more. */
    public Caller byVoucher(String role, List<String> roles, String voucher, long overAtMillis) throws Problem {
        RoleSession first = gate.openVouched(role);
        String secret = Sealed.token(ofBasic, "voucher\0" + role + "\0" + voucher);
        Login login = add(keyOf(secret), role, (at, ignored) -> at.openVouched(role), overAtMillis, first);
        login.mayBe(roles);
        return new Caller(login, secret);
    }

    private Login add(String key, String role, Replica.Opening opener, long overAt, RoleSession first) {
        SessionPool primary = new SessionPool(secret -> opener.open(gate, secret), sessions);
        primary.begin(first);
        SessionPool ofReplica = replica == null ? null : new SessionPool(replica.opener(role, opener), onReplica);
        Login login = new Login(role, primary, ofReplica, overAt, clock.millis());
        all.add(key, login);
        return login;
    }

    /** The caller with this cookie. Does not block. */
    public Optional<Caller> byCookie(String secret) {
        if (secret.isEmpty() || secret.length() > MAX_SECRET) {
            return Optional.empty();
        }
        return known(secret, limits.maxIdleMillis(), limits.maxAgeMillis());
    }

    /** The caller that sends a role and a password with each request, and was let in with them a moment ago. Does not block. */
    public Optional<Caller> knownByPassword(String role, String password) {
        String secret = Sealed.token(ofBasic, role + "\0" + password);
        return known(secret, BASIC_FOR_MILLIS, BASIC_FOR_MILLIS);
    }

    private Optional<Caller> known(String secret, long maxIdle, long maxAge) {
        return Optional.ofNullable(all.find(keyOf(secret), clock.millis(), maxIdle, maxAge))
                .map(login -> new Caller(login, secret));
    }

    /** The same for somebody who has to be let in: the server is asked, which is so once a minute. */
    public Caller byPassword(String role, String password, String address) throws Problem {
        Attempts.Try attempt = attempts.begin(server, role, address);
        RoleSession first = gate.enter(role, password);
        attempts.succeeded(attempt);
        String secret = Sealed.token(ofBasic, role + "\0" + password);
        return new Caller(
                add(keyOf(secret), role, withPassword(role, password, secret), Long.MAX_VALUE, first), secret);
    }

    /** Ends a login, its sessions with it. */
    public void end(Caller caller) {
        all.end(caller.login);
    }

    /** Ends expired logins, and closes unused sessions. To be called every few seconds. */
    public void sweep() {
        all.sweep(clock.millis(), limits.maxIdleMillis(), limits.maxAgeMillis());
        all.makeRoom(sessions, null, Login::primary);
        all.makeRoom(onReplica, null, Login::replica);
    }

    /** The replica that they read, when there is one. */
    public Optional<Replica> replica() {
        return Optional.ofNullable(replica);
    }

    @Override
    public void close() {
        if (replica != null) {
            replica.close();
        }
        all.close();
    }

    private static String keyOf(String secret) {
        return Sealed.token(secret.getBytes(StandardCharsets.UTF_8), "key");
    }

    private static String csrfOf(String secret) {
        return Sealed.token(secret.getBytes(StandardCharsets.UTF_8), "csrf");
    }
}
