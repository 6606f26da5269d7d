package dev.perdure.kubernetes.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkQueueTest {

    private final ConcurrentLinkedQueue<ResourceKey> seen = new ConcurrentLinkedQueue<>();
    private @Nullable WorkQueue queue;

    @AfterEach
    void end() {
        if (queue != null) {
            queue.stop();
        }
    }

    @Test
    void a_namespace_whose_resources_all_hang_leaves_room_for_the_others() {
        Semaphore hang = new Semaphore(0);
        WorkQueue hanging = start(4, 2, key -> {
            if (key.namespace().equals("a")) {
                hang.acquireUninterruptibly();
            }
            seen.add(key);
            return null;
        });

        hanging.add(IntStream.range(0, 100).mapToObj(i -> key("a", "r" + i)).toList());
        hanging.add(List.of(key("b", "healthy")));

        await(() -> seen.contains(key("b", "healthy")));
        assertThat(seen).noneMatch(key -> key.namespace().equals("a"));
        hang.release(100);
        await(() -> seen.size() == 101);
    }

    @Test
    void namespaces_take_turns() {
        CountDownLatch begin = new CountDownLatch(1);
        WorkQueue turns = start(1, 1, key -> {
            awaitLatch(begin);
            seen.add(key);
            return null;
        });
        turns.add(IntStream.range(0, 50).mapToObj(i -> key("a", "r" + i)).toList());
        turns.add(List.of(key("b", "late")));

        begin.countDown();

        await(() -> seen.size() == 51);
        assertThat(List.copyOf(seen).indexOf(key("b", "late"))).isLessThan(3);
    }

    @Test
    void a_resource_is_looked_at_by_one_thread_at_a_time_and_once_more_when_it_changes_meanwhile() {
        AtomicInteger at = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Semaphore go = new Semaphore(0);
        WorkQueue one = start(4, 4, key -> {
            most.accumulateAndGet(at.incrementAndGet(), Math::max);
            go.acquireUninterruptibly();
            at.decrementAndGet();
            seen.add(key);
            return null;
        });
        one.add(List.of(key("a", "r")));
        await(() -> at.get() == 1);
        IntStream.range(0, 10).forEach(i -> one.add(List.of(key("a", "r"))));

        go.release(10);

        await(() -> seen.size() == 2 && one.size() == 0);
        assertThat(most).hasValue(1);
    }

    @Test
    void what_is_to_be_looked_at_later_is_and_at_once_when_something_happens() {
        WorkQueue later = start(2, 2, key -> {
            seen.add(key);
            return key.name().equals("soon")
                            && seen.stream().filter(key::equals).count() < 3
                    ? Duration.ofMillis(20)
                    : Duration.ofDays(30_000);
        });

        later.add(List.of(key("a", "soon"), key("a", "late")));

        await(() -> seen.stream().filter(key("a", "soon")::equals).count() == 3);
        assertThat(seen.stream().filter(key("a", "late")::equals)).hasSize(1);
        later.add(List.of(key("a", "late")));
        await(() -> seen.stream().filter(key("a", "late")::equals).count() == 2);
    }

    @Test
    void an_error_costs_a_thread_that_is_replaced() {
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        AtomicInteger errors = new AtomicInteger();
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> errors.incrementAndGet());
        try {
            WorkQueue broken = start(1, 1, key -> {
                seen.add(key);
                if (key.name().startsWith("bad")) {
                    throw new StackOverflowError();
                }
                return null;
            });

            broken.add(List.of(key("a", "bad1"), key("a", "bad2"), key("a", "good")));

            await(() -> seen.contains(key("a", "good")));
            assertThat(seen).contains(key("a", "bad1"), key("a", "bad2"));
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    private WorkQueue start(int threads, int ofOneNamespace, WorkQueue.Handler handler) {
        WorkQueue started = new WorkQueue(threads, ofOneNamespace, handler);
        queue = started;
        started.start();
        return started;
    }

    private static ResourceKey key(String namespace, String name) {
        return new ResourceKey(ResourceKind.WORKFLOW, namespace, name);
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await()
                .dontCatchUncaughtExceptions()
                .pollInterval(Duration.ofMillis(5))
                .until(condition);
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
