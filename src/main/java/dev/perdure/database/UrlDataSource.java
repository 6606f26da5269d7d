package dev.perdure.database;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.postgresql.ds.common.BaseDataSource;

/** A {@link DatabaseUrl} for code that asks for a {@link DataSource}. Not a pool: each connection is a new session. */
final class UrlDataSource extends BaseDataSource implements DataSource {

    private final DatabaseUrl url;

    UrlDataSource(DatabaseUrl url) {
        this.url = url;
    }

    @Override
    public Connection getConnection() throws SQLException {
        return url.connect();
    }

    @Override
    public String getDescription() {
        return "sessions of " + url;
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }

    @Override
    public <T> T unwrap(Class<T> type) {
        return type.cast(this);
    }
}
