package dev.perdure.kubernetes;

import jakarta.inject.Singleton;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** The term in which this worker leads, if it does. Thread-safe. */
@Singleton
class CurrentTerm {

    private volatile @Nullable OperatorTerm term;

    void set(@Nullable OperatorTerm now) {
        term = now;
    }

    /** The term; fails as a lost database does when this worker does not lead any more. */
    OperatorTerm get() throws SQLException {
        OperatorTerm now = term;
        if (now == null) {
            throw new SQLException("this worker does not lead any more", "57P01");
        }
        return now;
    }
}
