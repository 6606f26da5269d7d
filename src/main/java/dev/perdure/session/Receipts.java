package dev.perdure.session;

import dev.perdure.database.LogText;
import dev.perdure.session.SessionPools.Key;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The receipts of one term, of all roles in all databases but the one that holds schema df. Thread-safe. */
public final class Receipts {

    private static final Logger LOG = Logger.getLogger(Receipts.class);
    /** The time for which a role counts as unable to have a table: it may get the rights meanwhile. */
    private static final long BELIEVED_MISSING = TimeUnit.SECONDS.toNanos(10);

    private static final int BATCH = 1000;

    private final SessionPools pools;
    private final String home;
    private final Map<Key, Known> known = new ConcurrentHashMap<>();

    /**
     * The knowledge about one role in one database.
     *
     * @param settled receipts that can be deleted
     */
    private record Known(String role, ReceiptTable table, long since, ConcurrentLinkedQueue<Receipt> settled) {}

    /**
     * @param home oid of the database that holds schema df
     */
    Receipts(SessionPools pools, String home) {
        this.pools = pools;
        this.home = home;
    }

    /** Names the receipt of a step of this term's database. */
    public Receipt receipt(String instance, String node, String stamp) {
        return new Receipt(home, instance, node, stamp);
    }

    /**
     * The table of a session's role, which is created when it is missing.
     *
     * @param session idle
     */
    public ReceiptTable table(Key key, String role, StepSession session) throws StepFailedException {
        Known before = known.get(key);
        if (before != null
                && (before.table().atLeastOnce() == null || System.nanoTime() - before.since() < BELIEVED_MISSING)) {
            return before.table();
        }
        ReceiptTable table = ReceiptTables.resolve(session, key.roleOid());
        if (table.atLeastOnce() != null && before == null) {
            LOG.warnf(
                    "Steps of role %s in database %s happen at least once, not exactly once: %s",
                    role, pools.database(key), table.atLeastOnce());
        }
        ConcurrentLinkedQueue<Receipt> settled = before == null ? new ConcurrentLinkedQueue<>() : before.settled();
        known.put(key, new Known(role, table, System.nanoTime(), settled));
        return table;
    }

    /** Forgets a table that was dropped. */
    public void forget(Key key) {
        known.remove(key);
    }

    /** Notes that a receipt has served: the checkpoint of its step is committed. */
    public void settled(Key key, Receipt receipt) {
        Known there = known.get(key);
        if (there != null && there.table().atLeastOnce() == null) {
            there.settled().add(receipt);
        }
    }

    /** The roles and databases with receipts. */
    public List<Key> keys() {
        return List.copyOf(known.keySet());
    }

    /** Deletes the receipts that have served. Those that cannot be deleted now stay until a later term. */
    public void deleteSettled() {
        known.forEach((key, there) -> {
            List<Receipt> batch = new ArrayList<>();
            for (Receipt receipt = there.settled().poll();
                    receipt != null;
                    receipt = there.settled().poll()) {
                batch.add(receipt);
            }
            if (!batch.isEmpty()) {
                withSession(key, there, session -> {
                    there.table().delete(session, batch);
                    return true;
                });
            }
        });
    }

    /** Up to a thousand receipts of the role that lie in its table, the oldest first. */
    public List<Receipt> list(Key key) {
        Known there = known.get(key);
        List<Receipt> found = there == null || there.table().atLeastOnce() != null
                ? null
                : withSession(key, there, session -> there.table().list(session, home, BATCH));
        return found == null ? List.of() : found;
    }

    @FunctionalInterface
    private interface Use<T> {
        T in(StepSession session) throws StepFailedException;
    }

    private <T> @Nullable T withSession(Key key, Known there, Use<T> use) {
        try {
            StepSession session = pools.borrow(key);
            try {
                return use.in(session);
            } finally {
                pools.giveBack(key, session);
            }
        } catch (StepFailedException e) {
            LOG.warnf(
                    "Receipts of role %s in database %s stay for a while: %s",
                    there.role(), pools.database(key), LogText.of(e.getMessage()));
            return null;
        }
    }
}
