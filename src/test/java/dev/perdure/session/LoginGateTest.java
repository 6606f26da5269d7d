package dev.perdure.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoginGateTest {

    private final List<Integer> begun = new CopyOnWriteArrayList<>();
    private final AtomicInteger through = new AtomicInteger();

    @Test
    void so_many_log_in_at_once_and_the_next_ones_in_the_order_in_which_they_came() throws InterruptedException {
        LoginGate gate = new LoginGate(2, Duration.ofMinutes(10));
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch others = new CountDownLatch(1);
        logIn(gate, 0, first);
        logIn(gate, 1, others);
        await().until(() -> begun.size() == 2);
        for (int i = 2; i < 6; i++) {
            Thread waits = logIn(gate, i, others);
            await().until(() -> waits.getState() == Thread.State.TIMED_WAITING);
        }
        assertThat(begun).hasSize(2);
        first.countDown();
        await().until(() -> begun.size() == 3);
        assertThat(begun.get(2)).isEqualTo(2);
        others.countDown();
        await().until(() -> through.get() == 6);
        assertThat(begun).contains(0, 1, 2, 3, 4, 5);
    }

    @Test
    void logins_that_are_not_answered_do_not_keep_the_next_ones_waiting() {
        LoginGate gate = new LoginGate(1, Duration.ofMillis(20));
        CountDownLatch never = new CountDownLatch(1);
        for (int i = 0; i < 3; i++) {
            logIn(gate, i, never);
        }
        await().until(() -> begun.size() == 3);
        never.countDown();
        await().until(() -> through.get() == 3);
    }

    @Test
    void who_is_interrupted_while_waiting_is_in_nobodys_way() {
        LoginGate gate = new LoginGate(1, Duration.ofMinutes(10));
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch none = new CountDownLatch(0);
        logIn(gate, 0, first);
        await().until(() -> begun.size() == 1);
        Thread gone = logIn(gate, 1, none);
        await().until(() -> gone.getState() == Thread.State.TIMED_WAITING);
        Thread next = logIn(gate, 2, none);
        await().until(() -> next.getState() == Thread.State.TIMED_WAITING);
        gone.interrupt();
        await().until(() -> through.get() == 1);
        first.countDown();
        await().until(() -> through.get() == 3);
    }

    private Thread logIn(LoginGate gate, int number, CountDownLatch until) {
        Thread thread = new Thread(() -> {
            gate.through(() -> {
                begun.add(number);
                try {
                    until.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return null;
            });
            through.incrementAndGet();
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
