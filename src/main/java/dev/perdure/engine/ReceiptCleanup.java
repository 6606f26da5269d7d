package dev.perdure.engine;

import dev.perdure.session.Receipt;
import dev.perdure.session.Receipts;
import dev.perdure.session.SessionPools;
import dev.perdure.store.OwnerQueries;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Deletes receipts that have served: after each checkpoint those of its step, and once in a term what earlier terms left
 * of instances that have ended.
 */
final class ReceiptCleanup implements Runnable {

    private static final Logger LOG = Logger.getLogger(ReceiptCleanup.class);
    private static final long ANSWER_SECONDS = 30;

    private final Receipts receipts;
    private final OwnerQueries store;
    private final Set<SessionPools.Key> swept = new HashSet<>();

    ReceiptCleanup(Receipts receipts, OwnerQueries store) {
        this.receipts = receipts;
        this.store = store;
    }

    @Override
    public synchronized void run() {
        receipts.deleteSettled();
        for (SessionPools.Key key : receipts.keys()) {
            if (swept.add(key)) {
                sweep(key);
            }
        }
    }

    private void sweep(SessionPools.Key key) {
        List<Receipt> left = receipts.list(key);
        if (left.isEmpty()) {
            return;
        }
        try {
            Set<String> ended = Set.copyOf(
                    store.ended(left.stream().map(Receipt::instance).distinct().toList())
                            .toCompletionStage()
                            .toCompletableFuture()
                            .get(ANSWER_SECONDS, TimeUnit.SECONDS));
            left.stream()
                    .filter(receipt -> ended.contains(receipt.instance()))
                    .forEach(receipt -> receipts.settled(key, receipt));
            receipts.deleteSettled();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            swept.remove(key);
            LOG.infof("What earlier terms left of receipts is looked at later: %s", e);
        }
    }
}
