package dev.perdure.session;

import dev.perdure.session.SessionPools.Key;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Deletes receipts that have served: after each checkpoint those of its step, and once in a term those that earlier terms left of ended
 * instances.
 */
public final class ReceiptCleanup {

    private static final Logger LOG = Logger.getLogger(ReceiptCleanup.class);

    private final Receipts receipts;
    private final Set<Key> swept = new HashSet<>();

    public ReceiptCleanup(Receipts receipts) {
        this.receipts = receipts;
    }

    /**
     * Deletes the receipts that can be deleted now.
     *
     * @param ended which of the given instances have ended, or do not exist; may fail
     */
    public synchronized void run(Function<Collection<String>, Set<String>> ended) {
        receipts.deleteSettled();
        for (Key key : receipts.keys()) {
            if (swept.add(key)) {
                sweep(key, ended);
            }
        }
    }

    private void sweep(Key key, Function<Collection<String>, Set<String>> ended) {
        List<Receipt> left = receipts.list(key);
        if (left.isEmpty()) {
            return;
        }
        try {
            Set<String> over =
                    ended.apply(left.stream().map(Receipt::instance).distinct().toList());
            left.stream()
                    .filter(receipt -> over.contains(receipt.instance()))
                    .forEach(receipt -> receipts.settled(key, receipt));
            receipts.deleteSettled();
        } catch (RuntimeException e) {
            swept.remove(key);
            LOG.infof("What earlier terms left of receipts is looked at later: %s", e);
        }
    }
}
