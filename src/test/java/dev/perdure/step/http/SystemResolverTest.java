package dev.perdure.step.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Names are looked up by threads that no role can take from others. */
class SystemResolverTest {

    private static final long EVIL = 1;
    private static final long VICTIM = 2;

    /** One permit for each lookup of a slow name that has begun. */
    private final Semaphore begun = new Semaphore(0);

    private final CountDownLatch end = new CountDownLatch(1);
    private final SystemResolver resolver = new SystemResolver(8, this::lookUp);

    private InetAddress[] lookUp(String name) throws UnknownHostException {
        if (name.startsWith("slow")) {
            begun.release();
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw new UnknownHostException(name);
        }
        return new InetAddress[] {InetAddress.getLoopbackAddress()};
    }

    @AfterEach
    void close() {
        end.countDown();
        resolver.close();
    }

    private List<CompletableFuture<List<InetAddress>>> ask(int names, long role) {
        List<CompletableFuture<List<InetAddress>>> asked = new ArrayList<>();
        for (int i = 0; i < names; i++) {
            asked.add(resolver.resolve("slow" + i + ".example", role));
        }
        return asked;
    }

    @Test
    void six_hundred_names_that_do_not_resolve_hold_up_nobody_else() throws Exception {
        ask(600, EVIL);
        begun.acquire(4);

        assertThat(resolver.resolve("fast.example", VICTIM).get(10, TimeUnit.SECONDS))
                .containsExactly(InetAddress.getLoopbackAddress());
        assertThat(begun.availablePermits()).isZero();
        assertThat(resolver.waiting()).isEqualTo(596);
    }

    @Test
    void each_further_role_takes_half_of_what_the_others_leave() throws Exception {
        ask(100, EVIL);
        begun.acquire(4);
        ask(100, 3);
        begun.acquire(2);
        ask(100, 4);
        begun.acquire(1);

        assertThat(resolver.resolve("fast.example", VICTIM).get(10, TimeUnit.SECONDS))
                .hasSize(1);
        assertThat(begun.availablePermits()).isZero();
    }

    @Test
    void a_name_that_nobody_waits_for_any_more_is_not_looked_up() throws Exception {
        List<CompletableFuture<List<InetAddress>>> asked = ask(600, EVIL);
        begun.acquire(4);
        asked.subList(4, 600).forEach(question -> question.cancel(false));

        assertThat(resolver.waiting()).isZero();
        end.countDown();
        assertThatThrownBy(() -> asked.get(0).get(10, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(UnknownHostException.class);
        assertThat(begun.availablePermits()).isZero();
    }
}
