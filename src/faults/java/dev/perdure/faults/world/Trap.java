package dev.perdure.faults.world;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Catches the first that comes to a spot, and holds its connection there until it is told what to do. */
public final class Trap {

    /** What becomes of the bytes that were held, and of the connection. */
    enum Release {
        FORWARD,
        RESET
    }

    private final Spot spot;
    private final AtomicReference<@Nullable Link> caught = new AtomicReference<>();
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch decided = new CountDownLatch(1);
    private volatile Release release = Release.FORWARD;

    Trap(Spot spot) {
        this.spot = spot;
    }

    Spot spot() {
        return spot;
    }

    /** Called by the proxy at the point: holds the calling thread if this trap has caught nobody yet. */
    boolean hold(Link link) {
        if (!caught.compareAndSet(null, link)) {
            return true;
        }
        reached.countDown();
        try {
            decided.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return release == Release.FORWARD;
    }

    /** Waits until a step was caught; empty when none came by, in which case a run says nothing. */
    public Optional<Link> await(Duration limit) throws InterruptedException {
        return reached.await(limit.toMillis(), TimeUnit.MILLISECONDS)
                ? Optional.ofNullable(caught.get())
                : Optional.empty();
    }

    /** What was held goes on, as if nothing had been. */
    public void forward() {
        decided.countDown();
    }

    /** What was held is lost, and both sides see a reset connection. */
    public void reset() {
        release = Release.RESET;
        Link link = caught.get();
        if (link != null) {
            link.reset();
        }
        decided.countDown();
    }
}
