package dev.perdure.step.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The resolver of the operating system, which blocks, and for half a minute where no server of a name answers. So there are
 * many threads, roles take turns, and no role has more than half of the threads that others leave. A name that nobody waits for
 * any more is not looked up; a thread that does already goes on, on its role's account.
 */
public final class SystemResolver implements HostResolver {

    /** Asks the operating system, and blocks. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] addresses(String name) throws UnknownHostException;
    }

    private record Question(String name, long role, CompletableFuture<List<InetAddress>> answer) {}

    private static final class Lane {
        final Deque<Question> waiting = new ArrayDeque<>();
        int running;
    }

    private final int maxThreads;
    private final Lookup lookup;
    private final ExecutorService threads;
    /** In the order in which roles have their turn. */
    private final Map<Long, Lane> lanes = new LinkedHashMap<>();

    private int running;

    /**
     * @param maxThreads names that are looked up at the same time
     */
    public SystemResolver(int maxThreads) {
        this(maxThreads, InetAddress::getAllByName);
    }

    SystemResolver(int maxThreads, Lookup lookup) {
        this.maxThreads = maxThreads;
        this.lookup = lookup;
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                maxThreads, maxThreads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "perdure-resolve-" + number.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        this.threads = pool;
    }

    @Override
    public CompletableFuture<List<InetAddress>> resolve(String name, long role) {
        Question question = new Question(name, role, new CompletableFuture<>());
        synchronized (lanes) {
            lanes.computeIfAbsent(role, oid -> new Lane()).waiting.add(question);
        }
        question.answer().whenComplete((found, failure) -> forget(question));
        begin();
        return question.answer();
    }

    /** Names that wait for a thread. */
    int waiting() {
        synchronized (lanes) {
            return lanes.values().stream().mapToInt(lane -> lane.waiting.size()).sum();
        }
    }

    private void forget(Question question) {
        synchronized (lanes) {
            Lane lane = lanes.get(question.role());
            if (lane != null) {
                lane.waiting.remove(question);
                drop(question.role(), lane);
            }
        }
    }

    private void begin() {
        for (Question next = next(); next != null; next = next()) {
            Question question = next;
            try {
                threads.execute(() -> answer(question));
            } catch (RejectedExecutionException e) {
                question.answer().completeExceptionally(new UnknownHostException(question.name()));
                ended(question.role());
            }
        }
    }

    private @Nullable Question next() {
        synchronized (lanes) {
            for (Iterator<Map.Entry<Long, Lane>> all = lanes.entrySet().iterator(); all.hasNext(); ) {
                Map.Entry<Long, Lane> entry = all.next();
                Lane lane = entry.getValue();
                int othersLeave = maxThreads - (running - lane.running);
                if (lane.waiting.isEmpty() || running >= maxThreads || lane.running >= Math.max(1, othersLeave / 2)) {
                    continue;
                }
                all.remove();
                lanes.put(entry.getKey(), lane);
                lane.running++;
                running++;
                return lane.waiting.poll();
            }
            return null;
        }
    }

    private void answer(Question question) {
        try {
            if (!question.answer().isDone()) {
                question.answer().complete(List.of(lookup.addresses(question.name())));
            }
        } catch (UnknownHostException | RuntimeException | Error e) {
            question.answer().completeExceptionally(e);
        } finally {
            ended(question.role());
            begin();
        }
    }

    private void ended(long role) {
        synchronized (lanes) {
            running--;
            Lane lane = lanes.get(role);
            if (lane != null) {
                lane.running--;
                drop(role, lane);
            }
        }
    }

    private void drop(long role, Lane lane) {
        if (lane.running == 0 && lane.waiting.isEmpty()) {
            lanes.remove(role);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
