package dev.perdure.web.login;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A login, with a few sessions on the server, and on its read replica where there is one. Thread-safe. */
final class Login {

    private final String role;
    private final SessionPool primary;
    private final @Nullable SessionPool replica;
    private final long overAt;
    private final long beganAt;
    private volatile long usedAt;
    private volatile List<String> roles = List.of();

    /**
     * A login that has just entered.
     *
     * @param overAt when it is over in any case, by the same clock as now
     */
    Login(String role, SessionPool primary, @Nullable SessionPool replica, long overAt, long now) {
        this.role = role;
        this.primary = primary;
        this.replica = replica;
        this.overAt = overAt;
        this.beganAt = now;
        this.usedAt = now;
    }

    String role() {
        return role;
    }

    List<String> roles() {
        return roles;
    }

    void mayBe(List<String> some) {
        roles = List.copyOf(some);
    }

    SessionPool primary() {
        return primary;
    }

    @Nullable SessionPool replica() {
        return replica;
    }

    /** Milliseconds of the same clock as the constructor's. */
    boolean isOver(long now, long maxIdle, long maxAge) {
        return now - usedAt > maxIdle || now - beganAt > maxAge || now > overAt;
    }

    void touch(long now) {
        usedAt = now;
    }

    long usedAt() {
        return usedAt;
    }

    /** Closes sessions that nobody has used for a while. */
    void closeIdle() {
        pools().forEach(pool -> pool.closeIdle(false));
    }

    boolean isClosed() {
        return primary.isClosed();
    }

    /** Ends the login. A request under way is answered. */
    void close() {
        pools().forEach(SessionPool::close);
    }

    private Stream<SessionPool> pools() {
        return replica == null ? Stream.of(primary) : Stream.of(primary, replica);
    }
}
