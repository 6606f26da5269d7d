package dev.perdure.web.login;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.Problem;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * All who are logged in. The table knows neither cookies nor passwords: its keys are derived from the secrets that callers send, and
 * passwords are sealed with these. Thread-safe; what opens sessions blocks.
 */
public final class Logins implements AutoCloseable {

    private static final int MAX_LOGINS = 1_000;
    private static final int MAX_OF_ROLE = 20;
    /** A Basic login asks the server again after this long, so that a password that was changed is not good for longer. */
    private static final long BASIC_FOR_MILLIS = 60_000;

    private static final int MAX_SECRET = 200;

    private final Gate gate;
    private final Limits limits;
    private final InstantSource clock;
    private final Attempts attempts;
    /** Databases of one server have the same roles, and the same tries at them. */
    private final String server;

    private final Semaphore sessions;
    private final byte[] ofBasic = Sealed.random(32);
    private final Map<String, Login> all = new ConcurrentHashMap<>();

    /**
     * What logins may have.
     *
     * @param sessions on the server, of all together
     * @param maxIdleMillis a login that was not used for so long is over
     * @param maxAgeMillis used or not
     * @param tryOut the role that anybody may use without a password, or null for none
     */
    public record Limits(int sessions, long maxIdleMillis, long maxAgeMillis, @Nullable String tryOut) {}

    /**
     * Who has just logged in.
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

        /** What each request with the cookie that changes something has to carry. */
        public String csrf() {
            return csrfOf(secret);
        }

        /** Whether the login of this caller is not over; to be asked by who goes on for longer than a request, and as good as one. */
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

        /** Does something in a session of the caller, which is read only until somebody says otherwise. */
        public <T> T inSession(Work<T> work) throws Problem {
            if (sessions.availablePermits() == 0) {
                // What others keep for themselves is needed here.
                all.values().stream().filter(other -> other != login).forEach(other -> other.closeIdle(true));
            }
            RoleSession session;
            try {
                session = login.borrow(secret);
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
                login.giveBack(session);
            }
        }
    }

    /** What is done in a session; the transaction has begun, and is rolled back unless the work commits. */
    public interface Work<T> {
        T apply(Connection session) throws SQLException, Problem;
    }

    private Logins(Gate gate, String server, Limits limits, Attempts attempts, InstantSource clock) {
        this.server = server;
        this.gate = gate;
        this.limits = limits;
        this.clock = clock;
        this.attempts = attempts;
        this.sessions = new Semaphore(limits.sessions(), true);
    }

    /**
     * The logins of a database.
     *
     * @param attempts at logging in to this and other databases
     */
    public static Logins of(
            DatabaseUrl worker,
            SubmitterLogin vouched,
            Duration statementTimeout,
            Limits limits,
            Attempts attempts,
            InstantSource clock) {
        return new Logins(
                new Gate(worker, vouched, statementTimeout), worker.hosts().toString(), limits, attempts, clock);
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
        add(keyOf(secret), role, ignored -> gate.open(role, null), Long.MAX_VALUE, first);
        return new Entered(role, secret, csrfOf(secret));
    }

    private Login.Opener withPassword(String role, String password, String secret) {
        Sealed sealed = Sealed.seal(password, secret);
        return with -> gate.open(role, sealed.open(with));
    }

    /**
     * Logs in as a role that somebody else has vouched for. Never as a role from which more could be had.
     *
     * @param roles all that they vouched for
     */
    public Entered enterVouched(String role, List<String> roles) throws Problem {
        RoleSession first = gate.openVouched(role);
        String secret = Sealed.randomText();
        add(keyOf(secret), role, ignored -> gate.openVouched(role), Long.MAX_VALUE, first)
                .mayBe(roles);
        return new Entered(role, secret, csrfOf(secret));
    }

    /**
     * Who sends with each request what vouches for them, and was let in with it before. Does not block.
     *
     * @param voucher what is sent, which has been checked
     */
    public Optional<Caller> knownByVoucher(String role, String voucher) {
        String secret = Sealed.token(ofBasic, "voucher\0" + role + "\0" + voucher);
        Login login = all.get(keyOf(secret));
        long now = clock.millis();
        if (login == null || login.isOver(now, limits.maxIdleMillis(), limits.maxAgeMillis())) {
            return Optional.empty();
        }
        login.touch(now);
        return Optional.of(new Caller(login, secret));
    }

    /** The same for somebody who has to be let in; until the moment at which it is worth nothing any more. */
    public Caller byVoucher(String role, List<String> roles, String voucher, long overAtMillis) throws Problem {
        RoleSession first = gate.openVouched(role);
        String secret = Sealed.token(ofBasic, "voucher\0" + role + "\0" + voucher);
        Login login = add(keyOf(secret), role, ignored -> gate.openVouched(role), overAtMillis, first);
        login.mayBe(roles);
        return new Caller(login, secret);
    }

    private Login add(String key, String role, Login.Opener opener, long overAt, RoleSession first) {
        makeRoom(role);
        Login login = new Login(role, opener, overAt, sessions, first, sessions.tryAcquire(), clock.millis());
        Login before = all.put(key, login);
        if (before != null) {
            before.close();
        }
        return login;
    }

    /** Of too many logins the one goes that was used longest ago. */
    private void makeRoom(String role) {
        List<Map.Entry<String, Login>> ofRole = all.entrySet().stream()
                .filter(entry -> entry.getValue().role().equals(role))
                .toList();
        if (ofRole.size() >= MAX_OF_ROLE) {
            endOldest(ofRole);
        } else if (all.size() >= MAX_LOGINS) {
            endOldest(List.copyOf(all.entrySet()));
        }
    }

    private void endOldest(List<Map.Entry<String, Login>> some) {
        some.stream()
                .min(Comparator.comparingLong(entry -> entry.getValue().usedAt()))
                .ifPresent(entry -> {
                    if (all.remove(entry.getKey(), entry.getValue())) {
                        entry.getValue().close();
                    }
                });
    }

    /** Who has this cookie. Does not block. */
    public Optional<Caller> byCookie(String secret) {
        if (secret.isEmpty() || secret.length() > MAX_SECRET) {
            return Optional.empty();
        }
        Login login = all.get(keyOf(secret));
        long now = clock.millis();
        if (login == null || login.isOver(now, limits.maxIdleMillis(), limits.maxAgeMillis())) {
            return Optional.empty();
        }
        login.touch(now);
        return Optional.of(new Caller(login, secret));
    }

    /** Who sends a role and a password with each request, and was let in with them a moment ago. Does not block. */
    public Optional<Caller> knownByPassword(String role, String password) {
        String secret = Sealed.token(ofBasic, role + "\0" + password);
        Login login = all.get(keyOf(secret));
        long now = clock.millis();
        if (login == null || login.isOver(now, BASIC_FOR_MILLIS, BASIC_FOR_MILLIS)) {
            return Optional.empty();
        }
        login.touch(now);
        return Optional.of(new Caller(login, secret));
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
        all.values().remove(caller.login);
        caller.login.close();
    }

    /** Ends what is over, and closes sessions that nobody uses. To be called every few seconds. */
    public void sweep() {
        long now = clock.millis();
        List<String> over = new ArrayList<>();
        all.forEach((key, login) -> {
            if (login.isOver(now, limits.maxIdleMillis(), limits.maxAgeMillis())) {
                over.add(key);
            } else {
                login.closeIdle(sessions.availablePermits() == 0);
            }
        });
        for (String key : over) {
            Login login = all.remove(key);
            if (login != null) {
                login.close();
            }
        }
    }

    @Override
    public void close() {
        all.values().forEach(Login::close);
        all.clear();
    }

    private static String keyOf(String secret) {
        return Sealed.token(secret.getBytes(StandardCharsets.UTF_8), "key");
    }

    private static String csrfOf(String secret) {
        return Sealed.token(secret.getBytes(StandardCharsets.UTF_8), "csrf");
    }
}
