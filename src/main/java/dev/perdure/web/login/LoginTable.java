package dev.perdure.web.login;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Logins by keys that tell nothing of the callers' secrets. Thread-safe. */
final class LoginTable {

    private static final int MAX_LOGINS = 1_000;
    private static final int MAX_OF_ROLE = 20;

    private final Map<String, Login> all = new ConcurrentHashMap<>();

    /** The login of a key, which is used at this moment; null when there is none, or it is over. */
    @Nullable Login find(String key, long now, long maxIdle, long maxAge) {
        Login login = all.get(key);
        if (login == null || login.isOver(now, maxIdle, maxAge)) {
            return null;
        }
        login.touch(now);
        return login;
    }

    /** Adds one, for which another one may have to go. */
    void add(String key, Login login) {
        makeRoom(login.role());
        Login before = all.put(key, login);
        if (before != null) {
            before.close();
        }
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

    void end(Login login) {
        all.values().remove(login);
        login.close();
    }

    /** Closes idle sessions of others when there is no session left. */
    void makeRoom(Semaphore left, @Nullable Login but, Function<Login, @Nullable SessionPool> ofLogin) {
        if (left.availablePermits() == 0) {
            all.values().stream()
                    .filter(other -> other != but)
                    .map(ofLogin)
                    .filter(Objects::nonNull)
                    .forEach(pool -> pool.closeIdle(true));
        }
    }

    /** Ends expired logins, and closes unused sessions. */
    void sweep(long now, long maxIdle, long maxAge) {
        List<String> over = new ArrayList<>();
        all.forEach((key, login) -> {
            if (login.isOver(now, maxIdle, maxAge)) {
                over.add(key);
            } else {
                login.closeIdle();
            }
        });
        for (String key : over) {
            Login login = all.remove(key);
            if (login != null) {
                login.close();
            }
        }
    }

    void close() {
        all.values().forEach(Login::close);
        all.clear();
    }
}
