package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.session.LoginTrouble;
import dev.perdure.session.Receipt;
import dev.perdure.session.ReceiptCleanup;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import java.util.Collection;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sessions of submitters on PostgreSQL. Thread-safe. */
public final class PgSteps implements StepPort {

    private final SessionPools pools;
    private final long maxResultSize;
    private final ReceiptCleanup cleanup;

    /**
     * Takes the pools over, which end with this.
     *
     * @param maxResultSize bytes of a result document
     */
    public PgSteps(SessionPools pools, long maxResultSize) {
        this.pools = pools;
        this.maxResultSize = maxResultSize;
        this.cleanup = new ReceiptCleanup(pools.receipts());
    }

    @Override
    public Session borrow(SessionPools.Key key) throws StepFailedException {
        try {
            return new PgStep(pools, key, pools.borrow(key), maxResultSize);
        } catch (StepFailedException e) {
            throw e.failure().kind() == Failure.Kind.LOGIN ? saying(key, e) : e;
        }
    }

    /** With the words that a node shows when it has waited for too long. */
    private StepFailedException saying(SessionPools.Key key, StepFailedException e) {
        LoginTrouble trouble = loginTrouble(key);
        String role = trouble == null ? "role " + key.roleOid() : trouble.role();
        String message = "Failed to connect to database '" + pools.database(key) + "' as '" + role
                + "'. Error: error returned from database: " + e.failure().message();
        return new StepFailedException(
                new Failure(Failure.Kind.LOGIN, e.failure().sqlState(), message), e);
    }

    @Override
    public @Nullable LoginTrouble loginTrouble(SessionPools.Key key) {
        return pools.logins().trouble(key);
    }

    @Override
    public void onSession(Consumer<SessionPools.Key> listener) {
        pools.logins().onSession(listener);
    }

    @Override
    public void settled(SessionPools.Key key, Execution execution) {
        pools.receipts().settled(key, receipt(pools, execution));
    }

    @Override
    public void cleanReceipts(Function<Collection<String>, Set<String>> ended) {
        cleanup.run(ended);
    }

    static Receipt receipt(SessionPools pools, Execution execution) {
        return pools.receipts().receipt(execution.instance(), execution.node(), execution.stamp());
    }

    @Override
    public void close() {
        pools.close();
    }
}
