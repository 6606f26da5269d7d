package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import java.sql.SQLException;

/** Sessions of submitters on PostgreSQL. Thread-safe. */
public final class PgSteps implements StepPort {

    private final SessionPools pools;
    private final long maxResultSize;

    /**
     * Takes the pools over, which end with this.
     *
     * @param maxResultSize bytes of a result document
     */
    public PgSteps(SessionPools pools, long maxResultSize) {
        this.pools = pools;
        this.maxResultSize = maxResultSize;
    }

    @Override
    public Session borrow(SessionPools.Key key) throws StepFailedException {
        try {
            return new PgStep(pools, key, pools.borrow(key), maxResultSize);
        } catch (SQLException e) {
            throw new StepFailedException(Failure.of(e), e);
        }
    }

    @Override
    public void close() {
        pools.close();
    }
}
