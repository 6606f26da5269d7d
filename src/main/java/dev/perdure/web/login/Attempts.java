package dev.perdure.web.login;

import dev.perdure.web.Problem;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The limit on guessing: so many tries at once for each address and each role, and then one each few seconds. Who has logged
 * in as a role from an address keeps tries of their own there, so that nobody locks them out by guessing from elsewhere. Databases share
 * it: an address has no more tries where there are more of them, nor has a role, which all databases of a server have. Thread-safe.
 */
public final class Attempts {

    /** The number of tries at once, and the pause before one more. */
    record Limit(int atOnce, Duration oneMoreEach) {}

    private static final Limit OF_ROLE = new Limit(10, Duration.ofSeconds(30));
    private static final Limit OF_ADDRESS = new Limit(30, Duration.ofSeconds(5));
    private static final int REMEMBERED = 20_000;
    private static final Duration KNOWN_FOR = Duration.ofDays(7);

    private final InstantSource clock;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>();
    private final Map<String, Long> known = new HashMap<>();

    public Attempts(InstantSource clock) {
        this.clock = clock;
    }

    /** Tries that are left at a moment; a fraction is on its way. */
    private static final class Bucket {
        private double left;
        private long at;

        Bucket(double left, long at) {
            this.left = left;
            this.at = at;
        }

        void refill(Limit limit, long now) {
            double more = (double) Math.max(0, now - at) / limit.oneMoreEach().toMillis();
            left = Math.min(limit.atOnce(), left + more);
            at = now;
        }
    }

    /** A try that has been counted; taken back when it succeeds. */
    record Try(String role, String address) {}

    private static String at(String server, String role) {
        return server + ' ' + role;
    }

    /**
     * Counts a try before it is made, so that many at once are counted too.
     *
     * @param server that has the role
     */
    synchronized Try begin(String server, String name, String address) throws Problem {
        String role = at(server, name);
        long now = clock.millis();
        Bucket byAddress = bucket("address " + address, OF_ADDRESS, now);
        Bucket byRole = bucket(roleKey(role, address, now), OF_ROLE, now);
        if (byAddress.left < 1 || byRole.left < 1) {
            double seconds = Math.max(
                    (1 - byAddress.left) * OF_ADDRESS.oneMoreEach().toSeconds(),
                    (1 - byRole.left) * OF_ROLE.oneMoreEach().toSeconds());
            throw Problem.later(429, "Too many tries to log in", (int) Math.ceil(seconds));
        }
        byAddress.left--;
        byRole.left--;
        return new Try(role, address);
    }

    /** The password was right. */
    synchronized void succeeded(Try attempt) {
        long now = clock.millis();
        bucket("address " + attempt.address(), OF_ADDRESS, now).left++;
        bucket(roleKey(attempt.role(), attempt.address(), now), OF_ROLE, now).left++;
        if (known.size() >= REMEMBERED) {
            known.clear();
        }
        known.put(pair(attempt.role(), attempt.address()), now);
    }

    private String roleKey(String role, String address, long now) {
        Long since = known.get(pair(role, address));
        boolean fromThere = since != null && now - since < KNOWN_FOR.toMillis();
        return fromThere ? "pair " + pair(role, address) : "role " + role;
    }

    private static String pair(String role, String address) {
        return address + " " + role;
    }

    private Bucket bucket(String key, Limit limit, long now) {
        Bucket bucket = buckets.remove(key);
        if (bucket == null) {
            bucket = new Bucket(limit.atOnce(), now);
            if (buckets.size() >= REMEMBERED) {
                // The one that was touched longest ago.
                buckets.remove(buckets.keySet().iterator().next());
            }
        }
        bucket.refill(limit, now);
        buckets.put(key, bucket);
        return bucket;
    }
}
