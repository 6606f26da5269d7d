package dev.perdure.web.live;

import dev.perdure.web.Problem;
import dev.perdure.web.api.Call;
import dev.perdure.web.api.Follow;
import dev.perdure.web.api.Follow.Reading;
import dev.perdure.web.login.Logins;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpServerResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * All open streams. One thread reads for them, one thing after the other: a followed list or instance by itself costs a hundredth of a core
 * at most, all together a twentieth, and whatever else there is to be read makes them slower, not more expensive. Thread-safe.
 */
public final class Streams {

    private static final int MOST = 1_000;
    private static final int MOST_OF_LOGIN = 10;
    private static final Logger LOG = Logger.getLogger(Streams.class);

    private static final long PAUSE_MILLIS = 1_000;
    private static final long LONGEST_PAUSE_MILLIS = 60_000;
    private static final long AWAY_MILLIS = 2_000;
    private static final long KEEP_ALIVE_MILLIS = 20_000;
    /** A login whose sessions others spare it is tried that often: its password, role or grants may be other ones. */
    private static final long CHECK_MILLIS = 300_000;
    /** Of one core. */
    private static final int SHARE_OF_WATCH = 100;

    private static final int SHARE_OF_ALL = 20;

    private record Subject(String role, String path, String what) {}

    private final Vertx vertx;
    private final WorkerExecutor workers;
    private final WorkerExecutor reader;
    private final Map<Subject, Watch> watches = new LinkedHashMap<>();
    private int open;
    private boolean closed;
    private boolean reading;
    private long freeAt;
    private long timer = -1;
    private final long keeper;

    /**
     * None yet.
     *
     * @param name that its thread has
     * @param workers new streams wait here
     */
    public Streams(Vertx vertx, String name, WorkerExecutor workers) {
        this.vertx = vertx;
        this.workers = workers;
        this.reader = vertx.createSharedWorkerExecutor(name, 1, 1, TimeUnit.MINUTES);
        this.keeper = vertx.setPeriodic(KEEP_ALIVE_MILLIS, ignored -> keepAlive());
    }

    /** Opens a stream; fails with a problem where there is nothing to follow, and before anything is answered. */
    public Future<Void> open(
            HttpServerResponse response, Logins.Caller caller, Follow follow, Call call, @Nullable String cursor) {
        Subject subject = new Subject(caller.role(), follow.path(), call.pathText());
        Subscriber subscriber = new Subscriber(response, caller);
        Watch watch;
        boolean first;
        synchronized (this) {
            Optional<Problem> full = full(caller);
            if (full.isPresent()) {
                return Future.failedFuture(full.get());
            }
            open++;
            watch = watches.computeIfAbsent(subject, ignored -> new Watch(follow, call));
            first = watch.cursor() == null && watch.subscribers().isEmpty();
            // From now on it hears of what others read; what it reads itself comes before that.
            watch.subscribers().add(subscriber);
        }
        response.closeHandler(ignored -> remove(subject, subscriber));
        return workers.executeBlocking(
                        () -> caller.readLive(session -> follow.reader().read(call, cursor, session)), false)
                .onFailure(ignored -> remove(subject, subscriber))
                .map(read -> {
                    begin(watch, subscriber, read, cursor != null, first);
                    return null;
                });
    }

    private synchronized void begin(Watch watch, Subscriber subscriber, Reading read, boolean since, boolean first) {
        if (!watch.subscribers().contains(subscriber)) {
            return;
        }
        if (watch.cursor() == null && !first) {
            // Two that begin at once: what is read next follows the one that was faster.
            subscriber.miss();
        }
        subscriber.checked(now());
        watch.begin(subscriber, read, since);
        watch.dueAt(now() + PAUSE_MILLIS);
        plan();
    }

    private Optional<Problem> full(Logins.Caller caller) {
        if (closed || open >= MOST) {
            return Optional.of(Problem.later(503, "Too many streams are open", 30));
        }
        long own = watches.values().stream()
                .flatMap(watch -> watch.subscribers().stream())
                .filter(each -> each.caller().isOfSameLogin(caller))
                .limit(MOST_OF_LOGIN)
                .count();
        return own < MOST_OF_LOGIN
                ? Optional.empty()
                : Optional.of(Problem.later(429, "This login has too many streams open", 30));
    }

    private synchronized void remove(Subject subject, Subscriber subscriber) {
        Watch watch = watches.get(subject);
        if (watch != null && watch.subscribers().remove(subscriber)) {
            open--;
            if (watch.subscribers().isEmpty()) {
                watches.remove(subject);
            }
        }
    }

    /** Plans the next reading; to be called with the lock. */
    private void plan() {
        if (closed || reading) {
            return;
        }
        vertx.cancelTimer(timer);
        next().ifPresent(watch -> {
            long wait = Math.max(freeAt, watch.dueAt()) - now();
            timer = vertx.setTimer(Math.max(1, wait), ignored -> read());
        });
    }

    private Optional<Watch> next() {
        return watches.values().stream()
                .filter(watch -> watch.cursor() != null)
                .min(Comparator.comparingLong(Watch::dueAt));
    }

    private synchronized void read() {
        Optional<Watch> next = next();
        if (closed || reading || next.isEmpty()) {
            return;
        }
        Watch watch = next.get();
        endOver(watch);
        if (watch.subscribers().isEmpty()) {
            plan();
            return;
        }
        Subscriber by = by(watch);
        reading = true;
        long began = System.nanoTime();
        reader.executeBlocking(
                        () -> by.caller()
                                .readLive(
                                        session -> watch.follow().reader().read(watch.call(), watch.cursor(), session)),
                        false)
                .onComplete(read -> done(watch, by, read, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)));
    }

    /** The subscriber that has to be let in again, or the one that has a session. */
    private static Subscriber by(Watch watch) {
        Subscriber oldest = watch.subscribers().stream()
                .min(Comparator.comparingLong(Subscriber::checkedAt))
                .orElseThrow();
        return now() - oldest.checkedAt() > CHECK_MILLIS
                ? oldest
                : watch.subscribers().stream()
                        .max(Comparator.comparingLong(Subscriber::checkedAt))
                        .orElseThrow();
    }

    private synchronized void done(Watch watch, Subscriber by, AsyncResult<Reading> read, long tookMillis) {
        reading = false;
        long now = now();
        long share = Math.max(PAUSE_MILLIS, SHARE_OF_WATCH * tookMillis);
        watch.dueAt(now + Math.min(LONGEST_PAUSE_MILLIS, share));
        freeAt = now + Math.min(LONGEST_PAUSE_MILLIS, (SHARE_OF_ALL - 1) * tookMillis);
        if (read.succeeded()) {
            by.checked(now);
            watch.tell(read.result());
        } else if (read.cause() instanceof Problem problem && problem.status() == 404) {
            List.copyOf(watch.subscribers()).forEach(each -> end(watch, each));
        } else if (read.cause() instanceof Problem problem && (problem.status() == 401 || problem.status() == 403)) {
            end(watch, by);
            watch.dueAt(now);
        } else {
            if (!(read.cause() instanceof Problem)) {
                LOG.errorf(
                        read.cause(),
                        "What has changed in %s could not be read",
                        watch.follow().path());
            }
            watch.away(read.cause() instanceof Problem problem ? problem.title() : "An error of ours");
            watch.dueAt(Math.max(watch.dueAt(), now + AWAY_MILLIS));
        }
        plan();
    }

    /** Ends streams of users who have logged out, or may not be in any more. */
    private void endOver(Watch watch) {
        for (Subscriber each : List.copyOf(watch.subscribers())) {
            if (each.isGone() || !each.caller().isStill()) {
                end(watch, each);
            }
        }
    }

    private void end(Watch watch, Subscriber subscriber) {
        if (watch.subscribers().remove(subscriber)) {
            open--;
        }
        subscriber.end();
        if (watch.subscribers().isEmpty()) {
            watches.values().remove(watch);
        }
    }

    private synchronized void keepAlive() {
        for (Watch watch : new ArrayList<>(watches.values())) {
            endOver(watch);
            watch.subscribers().forEach(Subscriber::keepAlive);
        }
    }

    /** Ends all of them. */
    public synchronized void close() {
        closed = true;
        vertx.cancelTimer(keeper);
        vertx.cancelTimer(timer);
        watches.values().forEach(watch -> watch.subscribers().forEach(Subscriber::end));
        watches.clear();
        reader.close();
    }

    private static long now() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
